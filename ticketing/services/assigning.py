"""Giving tickets to people: when one comes into a pool, when somebody has room, and now and then by the sweeper.

One lock of the realm is held while people are counted and tickets given, because somebody's load is one number over
all pools: of two tickets at once the second is counted with the first. It is taken before any ticket's row, and rows
that somebody else holds are left for the next look, so that nobody waits in a circle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import scoping
from boss.core.actors import Actor
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import staffing
from ticketing.assignment import choosing, loosening, words
from ticketing.assignment.kinds import RESTING, Because, Stage
from ticketing.assignment.values import Choice, Member, Wanted
from ticketing.audiences import Audiences
from ticketing.choices import OPEN_STATES
from ticketing.models import PoolMember, PoolWait, TalentPool, Ticket
from ticketing.services import notices
from ticketing.services.tickets import owning
from ticketing.services.tickets.waiting import hold_lock

MOST_AT_ONCE = 50
"""Tickets of a pool that are given in one transaction."""
MOST_LOOKED_AT = 500
"""Those of a pool that are due first and are looked at: what nobody can have does not stand in the way of the rest."""
LOOK_AGAIN = dt.timedelta(minutes=1)
"""Hours open and presences end by themselves: a pool where something waits is looked at so often."""
MOST_POOLS = 200
LABEL = "Assignment"
"""Who gave it, in journals and the audit trail."""


@service
def arrived(*, actor: Actor, ticket_id: int) -> int:
    """A ticket has come into its pool, or back: if the pool gives tickets out, it is looked at. How many were given."""
    asking = TalentPool.objects.filter(tickets=ticket_id).exclude(strategy__in=RESTING)
    pool_id: int | None = asking.values_list("pk", flat=True).first()
    return distribute(actor=actor, pool_id=pool_id) if pool_id is not None else 0


@service
def use_room(*, actor: Actor, user_id: int) -> int:
    """Somebody has room: the pools he is in are looked at, and those below them, where something waits."""
    rows = PoolMember.objects.filter(user_id=user_id)
    pools = [*rows.values_list("pool_id", flat=True)]
    if not pools:
        return 0
    hold_lock()
    rows.update(freed_at=time.now())
    below = TalentPool.objects.filter(parent_id__in=pools).values_list("pk", flat=True)
    waiting = PoolWait.objects.filter(pool_id__in=[*pools, *below]).order_by("pool_id")
    return sum(
        distribute(actor=actor, pool_id=key) for key in waiting.values_list("pool_id", flat=True).distinct()
    )  # fmt: skip


def sweep(limit: int = MOST_POOLS) -> int:
    """Look at the pools of all realms that are due. Returns how many tickets were given. Any number may run at once."""
    with scoping.dispatch_transaction("assignment"):
        due = TalentPool.objects.filter(look_at__lte=time.now()).order_by("look_at", "pk")
        found = list(due.values_list("realm_id", "pk")[:limit])
    given = 0
    for realm_id, key in found:
        with scoping.realm_transaction(realm_id, "assignment"):
            given += distribute(actor=Actor.system(realm_id, LABEL), pool_id=key)
    return given


@service
def distribute(*, actor: Actor, pool_id: int) -> int:
    """Give what waits in a pool to people of it, due first, as far as they fit and have room. How many were given."""
    hold_lock()
    pool: TalentPool = TalentPool.objects.select_related("parent", "calendar", "parent__calendar").get(pk=pool_id)
    if not pool.is_automatic:
        _look_again(pool, None)
        return 0
    now = time.now()
    waiting = list(staffing.waiting_in(pool).order_by("due_at", "priority", "id")[:MOST_LOOKED_AT])
    if not waiting:
        _look_again(pool, None)
        return 0
    waits = _waits(pool, waiting, now)
    look = _Look(pool, actor, now, waits, staffing.wanted(waiting, waits))
    for ticket in waiting:
        if look.given == MOST_AT_ONCE:
            break
        _look_at(look, ticket)
    left = len(waiting) - look.given
    _look_again(pool, now if look.given == MOST_AT_ONCE else look.next_look if left else None)
    PoolWait.objects.filter(pool=pool).exclude(ticket__state__in=OPEN_STATES).delete()
    return look.given


def _waits(pool: TalentPool, waiting: Sequence[Ticket], now: dt.datetime) -> dict[int, PoolWait]:
    """Since when each waits; from now on for those that were in the pool before it gave tickets out."""
    found = {each.ticket_id: each for each in PoolWait.objects.filter(ticket__in=waiting)}
    strange = [each for each in found.values() if each.pool_id != pool.pk]
    for each in strange:
        each.pool, each.since, each.put_back_by, each.told_at = pool, now, [], None
    PoolWait.objects.bulk_update(strange, ["pool", "since", "put_back_by", "told_at"])
    new = [PoolWait(ticket=ticket, pool=pool, since=now) for ticket in waiting if ticket.pk not in found]
    if not new:
        return found
    # A verb may write the same at this moment: what it wrote holds.
    PoolWait.objects.bulk_create(new, ignore_conflicts=True)
    return {each.ticket_id: each for each in PoolWait.objects.filter(ticket__in=waiting)}


def _look_again(pool: TalentPool, moment: dt.datetime | None) -> None:
    if pool.look_at != moment:
        pool.look_at = moment
        pool.save(update_fields=["look_at"])


@dataclass(slots=True)
class _People:
    """The members of a pool, counted along."""

    members: list[Member]

    def give(self, key: int, units: int, now: dt.datetime) -> None:
        self.members = [
            replace(each, load=each.load + units, last_given_at=now, idle_since=now) if each.key == key else each
            for each in self.members
        ]


class _Look:
    """One look at a pool: who is there is read once and counted along with what is given."""

    def __init__(
        self, pool: TalentPool, actor: Actor, now: dt.datetime, waits: dict[int, PoolWait], wanted: dict[int, Wanted]
    ) -> None:
        self.pool, self.actor, self.now = pool, actor, now
        self.waits, self.wanted = waits, wanted
        self.own = _People(staffing.roster(pool, now))
        self.above: _People | None = None
        self.given = 0
        self.next_look = now + LOOK_AGAIN
        self._skills: dict[str, str] | None = None

    def people(self, stage: Stage) -> list[Member]:
        if stage < Stage.PARENT or self.pool.parent is None:
            return self.own.members
        if self.above is None:
            self.above = _People(staffing.roster(self.pool.parent, self.now))
        mine = {each.key for each in self.own.members}
        return [*self.own.members, *(each for each in self.above.members if each.key not in mine)]

    def next_moment(self) -> dt.datetime:
        """Later than any before, so that what is given in one look is in turn as well."""
        given = [each.last_given_at for each in self.own.members if each.last_given_at is not None]
        return max([self.now, *(at + dt.timedelta(microseconds=1) for at in given)])

    @property
    def skills(self) -> dict[str, str]:
        if self._skills is None:
            self._skills = staffing.names_of_skills()
        return self._skills


def _look_at(look: _Look, ticket: Ticket) -> None:
    """Give one ticket to whoever fits; else note when it is looked at again, and tell the supervisors once."""
    wait, wanted, patience = look.waits[ticket.pk], look.wanted[ticket.pk], look.pool.relax_after
    known = loosening.stages(wanted, has_parent=look.pool.parent_id is not None, relax_after=patience)
    stage = loosening.stage_at(known, wait.since, patience, look.now)
    choice = choosing.choose(wanted, look.people(stage), look.pool.strategies, stage)
    if choice.member is not None:
        rows = staffing.waiting_in(look.pool).select_for_update(skip_locked=True, of=("self",))
        if (locked := rows.filter(pk=ticket.pk).first()) is not None:  # else somebody is at it just now
            _give(look, locked, choice, wanted)
        return
    coming = loosening.next_stage_at(known, wait.since, patience, look.now)
    if coming is not None:
        look.next_look = min(look.next_look, coming)
    elif wait.told_at is None and loosening.is_to_be_told(known, wait.since, patience, look.now):
        _tell(look, ticket, wait, choice)


def _give(look: _Look, ticket: Ticket, choice: Choice, wanted: Wanted) -> None:
    assert choice.member is not None
    key = choice.member.key
    told = {
        "reason": words.reason(choice, wanted),
        "strategy": str(choice.strategy),
        "loosened": int(choice.stage),
        "passed_over": words.passed_over(choice, look.skills),
    }
    user = User.objects.get(pk=key)
    owning.hand_over(ticket, user, actor=look.actor, event="assigned", told=told)
    moment = look.next_moment()
    PoolMember.objects.filter(user=user, pool__in=[look.pool.pk, look.pool.parent_id or 0]).update(last_given_at=moment)
    if not look.waits[ticket.pk].put_back_by:  # else it is remembered who did, should it come back
        look.waits[ticket.pk].delete()
    look.own.give(key, wanted.weight, moment)
    if look.above is not None:
        look.above.give(key, wanted.weight, moment)
    look.given += 1


def _tell(look: _Look, ticket: Ticket, wait: PoolWait, choice: Choice) -> None:
    """In the pool's hours alone: at night everybody is away, and that is as it should be."""
    if not staffing.is_open(look.pool.calendar, look.now):
        return
    people = Audiences(ticket).people("supervisor")
    why = _why_nobody(choice)
    text = _("Nobody in %(pool)s fits: %(why)s") % {"pool": look.pool.name, "why": why}
    notices.write(ticket, people, key=f"nobody:{ticket.pk}:{wait.since.timestamp():.0f}", text=text)
    wait.told_at = look.now
    wait.save(update_fields=["told_at"])


def _why_nobody(choice: Choice) -> str:
    counted: dict[Because, int] = {}
    for each in choice.passed:
        counted[each.refusal.because] = counted.get(each.refusal.because, 0) + 1
    if not counted:
        return _("it has no members.")
    return ", ".join(f"{n} {Because(key).label}" for key, n in sorted(counted.items(), key=lambda pair: -pair[1]))
