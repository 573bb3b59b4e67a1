"""Comparing what is sold, what stands in the inventory and what a server holds. Nothing is ever repaired here.

A comparison goes through its stages in batches: read some rows, look at the server outside any transaction, write
what was found and how far it is. A worker that dies in the middle is succeeded from the last batch on. What is being
changed at that moment is left to the next comparison: a difference counts only when it is seen a second time under
the container's lease, with the row still as it was.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

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
BATCH = 200
SUBSCRIPTIONS = 500
MOST_TRIES = 5
LISTING_SECONDS = 300.0
"""Listing a whole server takes longer than one call for one service may."""

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

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.ends

    def driver(self) -> Driver:
        with scoping.realm_transaction(self.realm_id, "comparison"):
            connection = calls.connection_of(self.binding)
        return calls.open_driver(self.binding, connection)

    def listing_driver(self) -> Driver:
        with scoping.realm_transaction(self.realm_id, "comparison"):
            connection = calls.connection_of(self.binding)
        patient = replace(connection, deadline_seconds=max(LISTING_SECONDS, connection.deadline_seconds))
        return calls.open_driver(self.binding, patient)

    def write(self, batch: Batch, *, cursor: int, stage: str) -> bool:
        """Write a batch and how far it is, in one transaction. False: the comparison is somebody else's by now."""
        with scoping.realm_transaction(self.realm_id, "comparison"):
            if not turns.is_held(Comparison, self.comparison.pk, self.token):
                return False
            batch.write(self.comparison)
            row = self.comparison
            row.counts = dict(Counter(row.counts) + batch.counts)
            row.cursor, row.stage, row.tries = cursor, stage, 0
            row.save(update_fields=["counts", "cursor", "stage", "tries"])
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
    try:
        while comparison.stage != ComparisonStage.OVER:
            if not _STEPS[ComparisonStage(comparison.stage)](turn):
                return False
            if turn.is_over and comparison.stage != ComparisonStage.OVER:
                turns.leave(Comparison, realm_id, comparison_id, token, again_in=0)
                turns.ring_now(TASK, realm_id, comparison_id)
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
    """What the server holds: left over is what no living service has. A turn that ends in the middle lists anew."""
    with turn.listing_driver() as driver:
        held = sorted(driver.list_all(), key=lambda one: (one.service_ref, one.kind, one.name))
    place = turn.comparison.cursor
    batch = Batch(counts=Counter(held=0 if place else len(held)))
    with turn.driver() as driver:
        while place < len(held):
            for stray in strays.suspects(turn.realm_id, turn.binding, held[place : place + BATCH]):
                if _is_there(driver, stray):
                    batch.seen.append(stray.seen())
            place += BATCH
            if turn.is_over:
                break
    stage = ComparisonStage.HELD if place < len(held) else ComparisonStage.SERVICES
    return turn.write(batch, cursor=place if stage == ComparisonStage.HELD else 0, stage=stage)


def _is_there(driver: Driver, stray: strays.Stray) -> bool:
    """Lists grow old: what is said to be left over is looked at once more."""
    driver.deadline.restart()
    found = driver.observe(stray.desired)
    return found is not None and found.service_ref == stray.desired.service_ref


def _compare_services(turn: _Turn) -> bool:
    """Services in use: whether the server holds them, as wanted; whether they are sold, as they are."""
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        rows = list(
            Service.objects.select_related("binding", "site")
            .filter(binding=turn.binding, state__in=IN_USE, pk__gt=turn.comparison.cursor)
            .order_by("pk")[:BATCH]
        )
        settled = {row.pk: _is_settled(row) for row in rows}
        connection = calls.connection_of(turn.binding)
        targets = [Target(row, turn.binding, calls.desired_of(row), connection) for row in rows]
        selling = sold.of_services(rows)
    if not rows:
        return turn.write(Batch(), cursor=0, stage=ComparisonStage.SOLD)
    batch = Batch()
    cursor = turn.comparison.cursor
    with calls.open_driver(turn.binding, connection) as driver:
        for target in targets:
            row = target.row
            batch.counts["services"] += 1
            if not settled[row.pk]:
                batch.undecided.append(row.pk)
            else:
                _compare_one(turn, driver, target, batch)
                if (seen := selling.get(row.pk)) is not None:
                    batch.seen.append(seen)
            cursor = row.pk
            if turn.is_over:
                break
    return turn.write(batch, cursor=cursor, stage=ComparisonStage.SERVICES)


def _is_settled(row: Service) -> bool:
    """Whether nobody is about to change the service at its server."""
    return row.state in IN_USE and not row.is_behind and not row.asked


def _compare_one(turn: _Turn, driver: Driver, target: Target, batch: Batch) -> None:
    driver.deadline.restart()
    observed = driver.observe(target.desired)
    differences = driver.compare(target.desired, observed)
    if differences:
        looked = _look_again(turn, driver, target)
        if looked is None:
            batch.undecided.append(target.row.pk)
            return
        observed, differences = looked
    if differences:
        batch.seen.append(_as_seen(target, observed, differences))
    if differences or target.row.drift:
        batch.observed[target.row.pk] = (target.row.revision, observed, differences)


def _look_again(turn: _Turn, driver: Driver, target: Target) -> tuple[Observed | None, tuple[Difference, ...]] | None:
    """The same look under the container's lease; None while somebody else is at it or the row has changed."""
    container = driver.lock_key(target.desired)
    with scoping.realm_transaction(turn.realm_id, "comparison"):
        holder = leases.take(turn.binding, container)
        row = Service.objects.filter(pk=target.row.pk, binding=turn.binding, revision=target.row.revision).first()
    if not holder:
        return None
    try:
        if row is None or not _is_settled(row):
            return None
        driver.deadline.restart()
        observed = driver.observe(target.desired)
        return observed, driver.compare(target.desired, observed)
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
        return turn.write(Batch(), cursor=0, stage=ComparisonStage.OVER)
    batch = Batch(seen=seen, counts=Counter(subscriptions=len(rows)))
    return turn.write(batch, cursor=rows[-1].pk, stage=ComparisonStage.SOLD)


_STEPS: dict[ComparisonStage, Callable[[_Turn], bool]] = {
    ComparisonStage.HELD: _compare_held,
    ComparisonStage.SERVICES: _compare_services,
    ComparisonStage.SOLD: _compare_sold,
}
