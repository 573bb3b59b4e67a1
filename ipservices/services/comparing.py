"""Comparing what is sold, what stands in the inventory and what a server holds. Nothing is ever repaired here.

A comparison goes through its stages in batches: read some rows, look at the server outside any transaction, write
what was found and how far it is. A worker that dies in the middle is succeeded from the last batch on. What is being
changed at that moment is left to the next comparison: a difference counts only when it is seen a second time under
the container's lease, with the row still as it was. Servers are asked for many objects at once
(:meth:`Driver.observe_many`), so that a zone is read once for all its names.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import Problem
from boss.core.services import service as transactional
from ipservices.choices import ComparisonStage, FindingKind, ServiceState
from ipservices.contracts import Difference, Driver, Observed
from ipservices.models import Binding, Comparison, Service
from ipservices.services import calls, leases, sold, strays, turns
from ipservices.services.calls import Target
from ipservices.services.noting import Batch, Seen, close_gone
from subscribers.choices import SubscriptionState
from subscribers.models import Subscription

TASK = "ipservices.compare"
BATCH = 500
SUBSCRIPTIONS = 500
AGAIN = 100
"""How many objects of one container are looked at again under one lease."""
MOST_TRIES = 5
LISTING_SECONDS = 300.0
"""Listing a whole server takes longer than one call for one service may."""
OBSERVING_SECONDS = 60.0
"""Reading a big zone takes longer than one call for one of its names may."""
PICTURE_SECONDS = 30.0
"""How old what is known of a server may be when it is first compared; whatever differs is then read anew."""

IN_USE = (ServiceState.ACTIVE, ServiceState.SUSPENDED)


@transactional
def start(*, actor: Actor, binding: Binding) -> Comparison:
    """Compare a server now; workers do it after commit. While one is under way, asking again gives that one."""
    locked: Binding = Binding.objects.select_for_update().get(pk=binding.pk)

    require(actor, "ipservices.observe_service", locked)

    running: Comparison | None = Comparison.objects.filter(binding=locked, finished_at=None).first()
    if running is not None:
        return running

    comparison: Comparison = Comparison.objects.create(
        binding=locked, asked_by=actor.label[:200], due_at=clock.now() + dt.timedelta(seconds=turns.RING_AGAIN_SECONDS)
    )
    turns.ring(TASK, actor.realm_id, comparison.pk)

    audit.record(actor=actor, action="comparison.started", subject=comparison)
    return comparison


@dataclass
class _Turn:
    """One worker's time with a comparison."""

    realm_id: int
    token: str
    comparison: Comparison
    binding: Binding
    ends: float
    open: ExitStack = field(default_factory=ExitStack)
    _observer: Driver | None = None
    _lister: Driver | None = None

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ends

    @property
    def is_unlisted(self) -> bool:
        return self._lister is None

    def driver(self, *, seconds: float = 0.0) -> Driver:
        """A driver for one use, with ``seconds`` for each call where that is more than the binding gives."""
        with scoping.realm_transaction(self.realm_id, "comparison"):
            connection = calls.connection_of(self.binding)
        patient = replace(connection, deadline_seconds=max(seconds, connection.deadline_seconds))
        return calls.open_driver(self.binding, patient)

    @property
    def observer(self) -> Driver:
        """The driver that looks for this turn: what it read of a zone serves all batches of the turn."""
        if self._observer is None:
            self._observer = self.open.enter_context(self.driver(seconds=OBSERVING_SECONDS))
        # The exchanges of a look are not kept, and whole zones are among them.
        self._observer.tape.clear()
        return self._observer

    @property
    def lister(self) -> Driver:
        """The driver that lists for this turn: one that lists all at once does it once."""
        if self._lister is None:
            self._lister = self.open.enter_context(self.driver(seconds=LISTING_SECONDS))
        self._lister.deadline.restart()
        self._lister.tape.clear()
        return self._lister

    def write(self, batch: Batch, *, stage: str, cursor: int = 0, place: str = "") -> bool:
        """Write a batch and how far it is, in one transaction. False: the comparison is somebody else's by now."""
        with scoping.realm_transaction(self.realm_id, "comparison"):
            if not turns.is_held(Comparison, self.comparison.pk, self.token):
                return False
            batch.write(self.comparison)
            row = self.comparison
            row.counts = dict(Counter(row.counts) + batch.counts)
            row.cursor, row.place, row.stage, row.tries = cursor, place, stage, 0
            row.save(update_fields=["counts", "cursor", "place", "stage", "tries"])
        return True


def go_on(*, realm_id: int, comparison_id: int) -> bool:
    """Go on with a comparison for one turn. True when it is over. May be called at any time, by any number."""
    calls.refuse_inside_transaction()
    seconds = turns.TURN_SECONDS + LISTING_SECONDS + turns.MARGIN_SECONDS
    token = turns.take(Comparison, realm_id, comparison_id, seconds=seconds)
    if not token:
        return False
    with scoping.realm_transaction(realm_id, "comparison"):
        comparison: Comparison = Comparison.objects.select_related("binding").get(pk=comparison_id)
    turn = _Turn(realm_id, token, comparison, comparison.binding, time.monotonic() + turns.TURN_SECONDS)
    with turn.open:
        return _take_turn(turn)


def _take_turn(turn: _Turn) -> bool:
    comparison, realm_id = turn.comparison, turn.realm_id
    try:
        while comparison.stage != ComparisonStage.OVER:
            if not _STEPS[ComparisonStage(comparison.stage)](turn):
                return False
            if turn.is_over and comparison.stage != ComparisonStage.OVER:
                turns.leave(Comparison, realm_id, comparison.pk, turn.token, again_in=0)
                turns.ring_now(TASK, realm_id, comparison.pk)
                return False
    except Problem as error:
        return _failed(turn, error)
    return _finish(turn)


def _failed(turn: _Turn, error: Problem) -> bool:
    """Try again later where that may help; else the comparison ends with the reason, and no finding is closed."""
    row = turn.comparison
    row.tries += 1
    again = getattr(error, "retryable", False) and row.tries < MOST_TRIES
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        if turns.is_held(Comparison, row.pk, turn.token):
            row.error = str(error)[:2000]
            row.finished_at = None if again else clock.now()
            row.save(update_fields=["tries", "error", "finished_at"])
    turns.leave(Comparison, turn.realm_id, row.pk, turn.token, again_in=10.0 * 2**row.tries if again else None)
    return not again


def _finish(turn: _Turn) -> bool:
    row = turn.comparison
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        if not turns.is_held(Comparison, row.pk, turn.token):
            return False
        row.counts = {**row.counts, "gone": close_gone(row)}
        row.finished_at, row.error = clock.now(), ""
        row.save(update_fields=["counts", "finished_at", "error"])
    turns.leave(Comparison, turn.realm_id, row.pk, turn.token, again_in=None)
    return True


# The stages


def _compare_held(turn: _Turn) -> bool:
    """What the server holds: left over is what no living service has."""
    is_first = turn.is_unlisted
    held, place = turn.lister.list_after(turn.comparison.place, most=BATCH)
    if is_first:
        # Where all is listed at once that may have taken the whole turn, and the next one would do it again.
        turn.ends = max(turn.ends, time.monotonic() + turns.TURN_SECONDS)
    batch = Batch(counts=Counter(held=len(held)))
    for start in range(0, len(held), BATCH):  # a server may give more than it was asked for
        suspects = strays.suspects(turn.realm_id, turn.binding, held[start : start + BATCH])
        batch.seen += [stray.seen() for stray in _still_there(turn, suspects)]
    return turn.write(batch, place=place, stage=ComparisonStage.HELD if place else ComparisonStage.SERVICES)


def _still_there(turn: _Turn, suspects: Sequence[strays.Stray]) -> Iterator[strays.Stray]:
    """Lists grow old: what is said to be left over is looked at once more."""
    found = turn.observer.observe_many([stray.desired for stray in suspects])
    for stray, observed in zip(suspects, found, strict=True):
        if observed is not None and observed.service_ref == stray.desired.service_ref:
            yield stray


def _compare_services(turn: _Turn) -> bool:
    """Services in use: whether the server holds them, as wanted; whether they are sold, as they are."""
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        in_use = Service.objects.filter(binding=turn.binding, state__in=IN_USE)
        rows = list(in_use.filter(pk__gt=turn.comparison.cursor).order_by("pk")[:BATCH])
        for row in rows:
            row.binding = turn.binding  # one for all, read once
        settled = {row.pk: _is_settled(row) for row in rows}
        connection = calls.connection_of(turn.binding)
        targets = [Target(row, turn.binding, calls.desired_of(row), connection) for row in rows]
        selling = sold.of_services(rows)
    if not rows:
        return turn.write(Batch(), stage=ComparisonStage.SOLD)
    batch = Batch()
    cursor = turn.comparison.cursor
    observer, differing = turn.observer, list[Target]()
    looks = observer.observe_many(
        [target.desired for target in targets if settled[target.row.pk]], max_age=PICTURE_SECONDS
    )
    for target in targets:
        row = target.row
        batch.counts["services"] += 1
        if not settled[row.pk]:
            batch.undecided.append(row.pk)
        else:
            if not _is_as_wanted(observer, target, next(looks), batch):
                differing.append(target)
            if (seen := selling.get(row.pk)) is not None:
                batch.seen.append(seen)
        cursor = row.pk
        if turn.is_over:
            break
    _look_again(turn, differing, batch)
    return turn.write(batch, cursor=cursor, stage=ComparisonStage.SERVICES)


def _is_settled(row: Service) -> bool:
    """Whether nobody is about to change the service at its server."""
    return row.state in IN_USE and not row.is_behind and not row.asked


def _is_as_wanted(driver: Driver, target: Target, observed: Observed | None, batch: Batch) -> bool:
    if driver.compare(target.desired, observed):
        return False
    if target.row.drift:
        batch.observed[target.row.pk] = (target.row.revision, observed, ())
    return True


def _look_again(turn: _Turn, targets: Sequence[Target], batch: Batch) -> None:
    """What differs counts when it still does under the container's lease, with the row as it was."""
    if not targets:
        return
    latest = turn.ends + LISTING_SECONDS / 2
    with turn.driver() as driver:
        named = sorted(((driver.lock_key(target.desired), target) for target in targets), key=lambda one: one[0])
        for container, group in groupby(named, key=lambda one: one[0]):
            mine = [target for _container, target in group]
            for place in range(0, len(mine), AGAIN):
                part = mine[place : place + AGAIN]
                if time.monotonic() > latest:
                    batch.undecided += [target.row.pk for target in part]
                else:
                    _look_at_container(turn, driver, container, part, batch)
                driver.tape.clear()


def _look_at_container(turn: _Turn, driver: Driver, container: str, targets: Sequence[Target], batch: Batch) -> None:
    """Look once more, alone at the container; undecided is what somebody is at or has changed since."""
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        holder = leases.take(turn.binding, container)
        rows = Service.objects.filter(pk__in=[target.row.pk for target in targets], binding=turn.binding)
        now = {row.pk: row.revision for row in rows if _is_settled(row)}
    sure, undecided = list[Target](), list[int]()
    for target in targets:
        if holder and now.get(target.row.pk) == target.row.revision:
            sure.append(target)
        else:
            undecided.append(target.row.pk)
    batch.undecided += undecided
    if not holder:
        return
    try:
        for target, observed in zip(sure, driver.observe_many([one.desired for one in sure]), strict=True):
            differences = driver.compare(target.desired, observed)
            if differences:
                batch.seen.append(_as_seen(target, observed, differences))
            if differences or target.row.drift:
                batch.observed[target.row.pk] = (target.row.revision, observed, differences)
    finally:
        with scoping.realm_transaction(turn.realm_id, "comparison"):
            leases.give_back(turn.binding, container, holder)


def _as_seen(target: Target, observed: Observed | None, differences: Iterable[Difference]) -> Seen:
    kind = FindingKind.MISSING if observed is None else FindingKind.DRIFT
    return Seen.of_service(kind, target.row, target.binding.name, differences=tuple(differences))


def _compare_sold(turn: _Turn) -> bool:
    """What is sold: whether each service of it is at least planned, where this server would be the one to have it."""
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        rows = list(
            Subscription.objects.select_related("account", "site")
            .filter(state__in=(SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED), pk__gt=turn.comparison.cursor)
            .order_by("pk")[:SUBSCRIPTIONS]
        )
        seen = sold.unplanned(turn.binding, rows)
    if not rows:
        return turn.write(Batch(), stage=ComparisonStage.OVER)
    batch = Batch(seen=seen, counts=Counter(subscriptions=len(rows)))
    return turn.write(batch, cursor=rows[-1].pk, stage=ComparisonStage.SOLD)


_STEPS: dict[ComparisonStage, Callable[[_Turn], bool]] = {
    ComparisonStage.HELD: _compare_held,
    ComparisonStage.SERVICES: _compare_services,
    ComparisonStage.SOLD: _compare_sold,
}
