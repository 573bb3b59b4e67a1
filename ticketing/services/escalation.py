"""The ladder: steps that wait for their moment, fired once each, whole or not at all.

A step, its acts and the mark that it was fired are one transaction under the ticket's lock: of two workers one finds
the lock taken and leaves it, and what a killed one had begun is rolled back and fired by the next.
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.services import service
from ticketing import selectors
from ticketing.audiences import Audiences
from ticketing.choices import MessageKind, Priority
from ticketing.models import EscalationTimer, Ticket
from ticketing.services import notices, tickets
from ticketing.services.tickets import journal
from ticketing.sla import ladders
from ticketing.sla.ladders import Act, Ladder, Step

MOST_AT_ONCE = 500


def sweep(limit: int = MOST_AT_ONCE) -> int:
    """Fire what is due in all realms. Returns how many steps were fired. Any number of sweepers may run at once."""
    with scoping.dispatch_transaction("escalation"):
        due = EscalationTimer.objects.filter(due_at__lte=time.now()).order_by("due_at", "pk")
        found = list(due.values_list("realm_id", "pk")[:limit])
    fired = 0
    for realm_id, key in found:
        with scoping.realm_transaction(realm_id, "escalation"):
            fired += fire(actor=Actor.system(realm_id, _("Escalation")), timer_id=key)
    return fired


@service
def fire(*, actor: Actor, timer_id: int) -> bool:
    """Take one step if it is due and nobody else is at its ticket. False when it is not, or somebody is."""
    key = EscalationTimer.objects.filter(pk=timer_id).values_list("clock__ticket_id", flat=True).first()
    ticket: Ticket | None = Ticket.objects.select_for_update(skip_locked=True).filter(pk=key).first()
    if ticket is None:
        return False
    rows = EscalationTimer.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
        "clock", "policy_version"
    )
    timer: EscalationTimer | None = rows.filter(pk=timer_id, due_at__lte=time.now()).first()
    if timer is None:
        return False

    # First of all, so that what an act does to the clocks finds this step taken.
    timer.due_at, timer.fired_at = None, time.now()
    timer.save(update_fields=["due_at", "fired_at"])
    if not ticket.is_open or timer.clock.stopped_at is not None:
        return False
    ladder = ladders.read(timer.policy_version.rules)
    step = ladder.steps[timer.step]
    done = [_do(act, ticket, step, ladder, actor, timer) for act in step.acts]
    timer.done = done
    timer.save(update_fields=["done"])

    fresh = journal.locked(ticket)
    journal.write(fresh, actor=actor, event="escalated", after={"reason": step.words(), "done": done})
    return True


def _do(act: Act, ticket: Ticket, step: Step, ladder: Ladder, actor: Actor, timer: EscalationTimer) -> str:
    """One act, and what came of it in words. One that is refused says why and keeps no other from happening."""
    fresh = journal.locked(ticket)
    try:
        if act.act == "notify":
            late = (step.minutes is not None and step.minutes >= 0) or (step.percent or 0) >= 100
            text = _("Late: %(step)s") if late else _("Due soon: %(step)s")
            key = f"escalation:{timer.pk}"
            people = notices.write(
                fresh, Audiences(fresh).people(act.to), key=key, text=text % {"step": step.words()},
                hours=ladder.hours, page=step.page,
            )  # fmt: skip
            names = ", ".join(person.full_name for person in people) or _("nobody")
            return _("Told: %(names)s") % {"names": names}
        if act.act == "raise_priority":
            if fresh.priority > Priority.CRITICAL:
                tickets.prioritize(actor=actor, ticket=fresh, priority=fresh.priority - 1, reason=step.words())
            return _("Priority raised")
        if act.act == "move":
            pool = selectors.get_pool(act.to)
            tickets.send_to_pool(actor=actor, ticket=fresh, pool=pool, reason=step.words())
            return _("Moved to %(pool)s") % {"pool": pool.name}
        tickets.add_message(actor=actor, ticket=fresh, body=act.to, kind=MessageKind.SYSTEM)
        return _("Note written")
    except Problem as problem:
        return _("Not done (%(act)s): %(why)s") % {"act": act.act, "why": problem}
