"""Moves in which what the owner has put into the object (his mail) goes from the old server to the new one with it.

The steps of :mod:`moves`, with these between them: the object is set up shut at the new server; what is in it is copied
while it is open at the old one; it is shut there; the rest is copied, and both servers have to hold the same. Only then
is the row switched, and only then is it opened at the new server: so at no moment two servers take mail for it, and a
copy repeated after a failure overwrites nothing that came in meanwhile. Whatever fails before the switch opens the old
one again. Going back is the same road the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import structlog
from django.utils.translation import gettext as _

from boss.core import clock, scoping
from boss.core.problems import Problem
from ipservices import sealing
from ipservices.choices import MoveState, MoveStep
from ipservices.contracts import Connection, Desired, Driver, Observed, Restriction, Unverified
from ipservices.errors import MoveRefused, ServiceChanging
from ipservices.models import Binding, MigrationItem, Service
from ipservices.services import calls, establishing, moves
from ipservices.services.calls import Target
from ipservices.services.moves import Road

log = structlog.get_logger(__name__)

COPY_SECONDS = 240.0
"""For one copy of one object. What is not through by then stays copied, and the next attempt goes on from there."""
_MARGIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class End:
    """One of the two servers."""

    binding: Binding
    connection: Connection


def _ends(road: Road) -> tuple[End, End]:
    migration = road.migration
    return End(migration.source, road.source), End(migration.target, road.target)


def move(road: Road, item: MigrationItem) -> None:
    """Take the move on from where it is to its end. Raises what stands in the way; what was done stands."""
    if item.step == MoveStep.NOTHING:
        moves.keep(road, item)
    if not item.carries:
        moves.move(road, item)
        return
    if item.step in (MoveStep.KEPT, MoveStep.CARRIED):
        try:
            _carry_and_switch(road, item)
        except Exception:
            # Nobody shall stand before two shut servers for longer than it takes.
            with _the_first_error_told(item):
                _open_old(road, item)
            raise
    if item.step == MoveStep.SWITCHED:
        _open_new(road, item)
    moves.move(road, item)


def go_back(road: Road, item: MigrationItem) -> None:
    """Take the way back from where it is: the old server holds what it held and what came in since."""
    if not item.carries:
        moves.go_back(road, item)
        return
    if item.step in (MoveStep.SWITCHED, MoveStep.REMOVED):
        _carry_back(road, item)
    if item.step in (MoveStep.KEPT, MoveStep.CARRIED, MoveStep.BACK):
        _open_old(road, item)
        moves.clean(road, item, road.migration.target, road.target, MoveStep.NOTHING)
    moves.settle(road, item, MoveState.RETURNED)


# There


def _carry_and_switch(road: Road, item: MigrationItem) -> None:
    old, new = _ends(road)
    if item.step == MoveStep.KEPT:
        _keep_anew_if_changed(road, item)
        moves.set_up(road, item, shut=True, switch=False)
        _copy(road, item, old, new)
        _shut_old(road, item)
        _copy(road, item, old, new, MoveStep.CARRIED)
    moves.set_up(road, item, shut=True)


def _keep_anew_if_changed(road: Road, item: MigrationItem) -> None:
    """What is kept of the old server is that of the service as it is now, for it is what is put back."""
    old = _ends(road)[0]
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        row: Service = Service.objects.get(pk=item.service_id)
        moves.refuse_unless_settled(row, old.binding)
        desired = calls.desired_of(row)
    if row.revision == item.revision:
        return
    with calls.open_driver(old.binding, old.connection) as driver:
        held = driver.observe(desired)
    if held is None or held.service_ref != desired.service_ref:
        raise MoveRefused(_("The old server does not hold it; repair that first."))
    with scoping.realm_transaction(road.actor.realm_id, road.actor.label):
        item.sealed_former, item.revision = sealing.seal_held(item, held), row.revision
        moves.step(item, MoveStep.KEPT)


def _shut_old(road: Road, item: MigrationItem) -> None:
    """Nobody gets in at the old server, and mail waits at its senders."""
    old = _ends(road)[0]
    shut = replace(moves.former(item).as_desired(), restriction=Restriction.BLOCKED)

    def prepare() -> Target:
        row = _locked(item)
        moves.refuse_unless_settled(row, old.binding)
        if row.revision != item.revision:
            raise ServiceChanging
        return Target(row, old.binding, shut, old.connection)

    def act(driver: Driver, target: Target) -> Observed:
        return driver.establish(target.desired, key=f"{item.key}-shut:{target.desired.service_ref}")

    moves.perform(road, item, prepare, "restrict", act, lambda _target, _observed: None)


def _open_old(road: Road, item: MigrationItem) -> None:
    """The old server serves as it did, or as was asked for since."""
    old = _ends(road)[0]
    was = moves.former(item).as_desired()

    def prepare() -> Target:
        row = _locked(item)
        if row.binding_id != old.binding.pk:
            raise MoveRefused(_("The service is not in use at the old server any more."))
        changed = row.revision != item.revision
        return Target(row, old.binding, calls.desired_of(row) if changed else was, old.connection)

    def act(driver: Driver, target: Target) -> Observed:
        return driver.establish(target.desired, key=f"{item.key}-open:{target.desired.service_ref}")

    def after(target: Target, observed: Observed) -> None:
        row = _locked(item)
        if row.revision != target.row.revision:
            raise ServiceChanging
        _note(row, observed)
        moves.step(item, MoveStep.KEPT)

    moves.perform(road, item, prepare, "open", act, after)


def _open_new(road: Road, item: MigrationItem) -> None:
    """The service lives at the new server: its owner gets in again. Where that fails it is brought back."""
    new = _ends(road)[1]

    def prepare() -> Target:
        row = _locked(item)
        if row.state not in moves.IN_USE or row.binding_id != new.binding.pk:
            raise MoveRefused(_("The service is not in use at the new server any more."))
        desired = replace(calls.desired_of(row), secrets=sealing.open_secrets(row))
        return Target(row, new.binding, desired, new.connection)

    def act(driver: Driver, target: Target) -> Observed:
        observed = driver.establish(target.desired, key=f"{item.key}-open:{target.desired.service_ref}")
        moves.ask_the_service(driver, target.desired)
        return observed

    def after(target: Target, observed: Observed) -> None:
        row = _locked(item)
        if row.revision != target.row.revision:
            raise ServiceChanging
        _note(row, observed)

    try:
        moves.perform(road, item, prepare, "open", act, after)
    except (ServiceChanging, MoveRefused):
        raise
    except Problem as error:
        log.warning("new_server_does_not_open", service=item.service_id, error=str(error))
        with _the_first_error_told(item):
            _carry_back(road, item)
            _open_old(road, item)
        raise


# Back


def _carry_back(road: Road, item: MigrationItem) -> None:
    """What is at the new server goes to the old one, and the row with it; shut at both."""
    old, new = _ends(road)
    shut = replace(moves.former(item).as_desired(), restriction=Restriction.BLOCKED)
    at: list[int] = []

    def restored() -> Target:
        row = _locked(item)
        if row.binding_id != new.binding.pk:
            raise MoveRefused(_("The service is not in use at the new server any more."))
        return Target(row, old.binding, shut, old.connection)

    def closed(restriction: Restriction | None) -> Callable[[], Target]:
        def prepare() -> Target:
            row = _locked(item)
            if row.state not in moves.IN_USE or row.binding_id != new.binding.pk:
                raise MoveRefused(_("The service is not in use at the new server any more."))
            at[:] = [row.revision]
            desired = replace(calls.desired_of(row), secrets={})
            return Target(
                row, new.binding, desired if restriction is None else replace(desired, restriction=restriction),
                new.connection,
            )  # fmt: skip

        return prepare

    def established(word: str) -> Callable[[Driver, Target], Observed]:
        return lambda driver, target: driver.establish(
            target.desired, key=f"{item.key}-{word}:{target.desired.service_ref}"
        )

    moves.perform(road, item, restored, "restore", established("back-shut"), _nothing)
    _copy(road, item, new, old)
    try:
        moves.perform(road, item, closed(Restriction.BLOCKED), "restrict", established("shut-new"), _nothing)
        _copy(road, item, new, old, same=True)
        moves.restore_and_switch(road, item, shut_at=at[0])
    except Exception:
        with _the_first_error_told(item):
            moves.perform(road, item, closed(None), "open", established("open-new"), _nothing)
        raise


# Both ways


def _copy(
    road: Road, item: MigrationItem, one: End, other: End, then: MoveStep | None = None, *, same: bool = False
) -> None:
    """Make the other server's object hold what this one's does; with ``then`` or ``same`` they must be alike then."""
    if not road.prolong(2 * COPY_SECONDS + _MARGIN_SECONDS):
        raise ServiceChanging
    slow = replace(one.connection, deadline_seconds=COPY_SECONDS)
    with calls.open_driver(other.binding, other.connection) as driver:
        address = driver.taking_address()

    def prepare() -> Target:
        row = _locked(item)
        return Target(row, one.binding, replace(calls.desired_of(row), secrets={}), slow)

    def act(driver: Driver, target: Target) -> None:
        driver.hand_over(target.desired, address)
        if then is not None or same:
            _compare(driver, other, target.desired)

    moves.perform(
        road, item, prepare, "hand_over", act,
        _nothing if then is None else lambda _target, _done: moves.step(item, then),
    )  # fmt: skip


def _compare(driver: Driver, other: End, desired: Desired) -> None:
    """Both servers hold the same, folder by folder."""
    here = driver.contents(desired)
    with calls.open_driver(other.binding, other.connection) as there:
        copied = there.contents(desired)
    if here != copied:
        strange = sorted(key for key in {*here, *copied} if here.get(key) != copied.get(key))
        raise Unverified(f"not the same at both servers after the copy: {', '.join(strange)}", name=desired.name)


def _nothing(_target: Target, _result: object) -> None:
    """There is nothing to write beside the call itself."""


@contextmanager
def _the_first_error_told(item: MigrationItem) -> Iterator[None]:
    """What fails while something is made good is noted; who tries again, or goes back, makes it good then."""
    try:
        yield
    except Problem as error:
        log.warning("a_server_stays_shut", service=item.service_id, error=str(error))


def _locked(item: MigrationItem) -> Service:
    row: Service = Service.objects.select_for_update(of=("self",)).get(pk=item.service_id)
    return row


def _note(row: Service, observed: Observed) -> None:
    row.observed, row.observed_at = establishing.shown(observed), clock.now()
    row.save(update_fields=["observed", "observed_at"])
