"""Rules at work: looked at after the event, in a transaction of their own, each whole or not at all.

The event waits in the outbox (``TicketChanged``); what its rules do and the mark that it was delivered are one
transaction under the ticket's lock. A worker that is killed before has done nothing, and the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import permissions, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import automations, policies, selectors
from ticketing.audiences import Audiences
from ticketing.automation import judging, rules, trail
from ticketing.automation.kinds import RuleResult
from ticketing.automation.rules import DEEPEST, MOST_ACTIONS, Rule
from ticketing.choices import MessageKind
from ticketing.errors import MacroRefused, TicketWrongState
from ticketing.models import Message, PolicyVersion, RuleBreaker, RuleRun, Ticket, TicketEvent
from ticketing.registry import macro_steps, subject_kinds
from ticketing.services import macros, notices
from ticketing.services.macro_steps import ME
from ticketing.services.mail import outgoing
from ticketing.services.tickets import journal
from ticketing.sla.kinds import PolicyKind

SUPERVISES = "ticketing.assign_ticket"


# Writing them


def check(told: Mapping[str, Any]) -> dict[str, Any]:
    """Rules as they are kept. Raises :class:`InvalidInput` with the place of what is wrong."""
    machine = Actor.system(scoping.current_realm_id())

    def steps(given: Any) -> list[dict[str, str]]:
        kept = macros.read_steps(machine, given)
        for number, step in enumerate(kept, start=1):
            if step["do"] == "assignee" and step.get("value") == ME:
                raise InvalidInput(fields={f"steps.{number}.value": [_("A rule is run by nobody: name a person.")]})
        return kept

    return rules.judge(told, steps)


def require_rights(actor: Actor, told: Mapping[str, Any]) -> None:
    """Nobody gets done by a rule what he may not do by hand. Raises :class:`InvalidInput` at each such step."""
    wrong: dict[str, list[str]] = {}
    for index, rule in enumerate(rules.read(told)):
        for number, step in enumerate(rule.steps, start=1):
            kind = macro_steps.find(step["do"])
            if kind is not None and kind.right and not permissions.may(actor, kind.right):
                wrong[f"rules.{index}.steps.{number}.do"] = [_("You do not have the right to do this.")]
    if wrong:
        raise InvalidInput(fields=wrong)


# Looking at an event


@service
def look(*, actor: Actor, ticket_id: int, event_id: int, cause_id: int | None = None) -> list[RuleRun]:
    """Look at one event for the rules that hold in its ticket's category, in their order; each sees what the one before
    it has done. What is on record of this event already is not done again.

    ``cause_id``: the run of the rule whose doing the event is. Gives back what was put on record.
    """
    found: Ticket = Ticket.objects.get(pk=ticket_id)
    ticket = journal.locked(found, with_subject=True)
    event: TicketEvent = TicketEvent.objects.get(pk=event_id, ticket_id=ticket_id)
    version = policies.version_for(PolicyKind.AUTOMATION, ticket.category_id)
    if version is None:
        return []
    message: Message | None = Message.objects.filter(ticket=ticket, seq=event.seq).first()
    kinds = judging.set_off(event, message)
    known = set(RuleRun.objects.filter(event=event, policy_version=version).values_list("position", flat=True))
    waiting = [
        (position, rule)
        for position, rule in enumerate(rules.read(version.rules))
        if rule.event in kinds and not rule.is_off and position not in known
    ]
    if not waiting:
        return []
    seen = _Seen(event, message, _by(event, message, cause_id), _depth(ticket, event, cause_id), version)
    return [_take(ticket_id, position, rule, seen) for position, rule in waiting]


class _Seen:
    """What is the same for all rules of one event."""

    def __init__(
        self, event: TicketEvent, message: Message | None, by: str, depth: int, version: PolicyVersion
    ) -> None:
        self.event, self.message, self.by, self.depth, self.version = event, message, by, depth, version
        self.is_verified = judging.is_verified(message)


def _take(ticket_id: int, position: int, rule: Rule, seen: _Seen) -> RuleRun:
    ticket: Ticket = Ticket.objects.select_related("category", "pool", "requester").get(pk=ticket_id)
    actor = Actor.system(ticket.realm_id, _("Rule: %(name)s") % {"name": rule.name})
    names = judging.names_of(ticket, seen.event, seen.message, by=seen.by)
    hidden = [field.key for field in selectors.known(ticket.category).fields.values() if field.pii or field.pools]
    run = RuleRun(
        ticket=ticket, event=seen.event, policy_version=seen.version, position=position, name=rule.name,
        kind=rule.event, depth=min(seen.depth, 99), at=time.now(),
        looked_at=judging.looked_at(rule.when, names, hidden),
    )  # fmt: skip
    run.result, run.told = _verdict(ticket, rule, seen, names)
    run.save()
    if run.result == RuleResult.DONE:
        _act(ticket, rule, run, actor)
    elif run.result == RuleResult.STOPPED and automations.find_breaker(ticket) is None:
        _stop(ticket, rule, actor)
    return run


def _verdict(ticket: Ticket, rule: Rule, seen: _Seen, names: Mapping[str, Any]) -> tuple[str, str]:
    """Whether a rule acts: its result if it does, or what keeps it from that."""
    fits, unclear = judging.holds(rule.when, names)
    if unclear:
        return RuleResult.REFUSED, _("Its condition could not be judged: %(why)s") % {"why": unclear[:300]}
    if not fits:
        return RuleResult.NOT_MET, ""
    if seen.depth > DEEPEST:
        return RuleResult.TOO_DEEP, _("At most %(n)s rules set one another off.") % {"n": DEEPEST}
    if not seen.is_verified and any(_reaches_beyond(step) for step in rule.steps):
        return RuleResult.REFUSED, _("Nobody knows who wrote the mail: nothing outside the desk is done for it.")
    if automations.find_breaker(ticket) is not None:
        return RuleResult.STOPPED, ""
    if automations.actions_lately(ticket, time.now()) + len(rule.steps) > MOST_ACTIONS:
        return RuleResult.STOPPED, _("It would have been more than %(n)s actions in a minute.") % {"n": MOST_ACTIONS}
    return RuleResult.DONE, ""


def _act(ticket: Ticket, rule: Rule, run: RuleRun, actor: Actor) -> None:
    """All steps or none; what refuses one is told, and keeps no other rule from acting."""
    before = ticket.version
    try:
        with transaction.atomic(using=scoping.alias()), trail.acts(run.pk):
            macros.take_steps(actor, ticket, rule.steps)
            mailed = _mail(ticket, before, actor)
    except MacroRefused as refused:
        run.result, run.told = RuleResult.REFUSED, str(refused.detail)[:1000]
    else:
        words = macros.Words(actor)
        run.told = "; ".join([*(words.step(step).words for step in rule.steps), *mailed])[:1000]
        run.actions = len(rule.steps)
    run.save(update_fields=["result", "told", "actions"])


def _mail(ticket: Ticket, before: int, actor: Actor) -> list[str]:
    """What the rule has told the customer leaves as automatic mail, as far as the limits of those go (rule L4)."""
    said = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, seq__gt=before, author_kind="system")
    fresh: Ticket = Ticket.objects.select_related("requester", "category").get(pk=ticket.pk)
    if not said or not outgoing.goes_by_mail(fresh):
        return []
    sent = [outgoing.answer_automatically(actor=actor, ticket=fresh, message=message) for message in said]
    return [] if all(sent) else [_("not mailed: no address, or too much automatic mail")]


def _stop(ticket: Ticket, rule: Rule, actor: Actor) -> None:
    """One too many: rules do nothing here until a person lets them, and those who lead the pool are told once."""
    breaker = RuleBreaker.objects.create(ticket=ticket, opened_at=time.now(), opened_by=actor.label[:200])
    fresh = journal.locked(ticket)
    reason = _("More than %(n)s actions in a minute; the last would have been “%(rule)s”.") % {
        "n": MOST_ACTIONS, "rule": rule.name,
    }  # fmt: skip
    journal.write(fresh, actor=actor, event="rules_stopped", after={"reason": reason})
    people = Audiences(fresh).people("supervisor")
    notices.write(
        fresh, people, key=f"rules.stopped:{breaker.pk}", text=_("Rules are stopped. %(why)s") % {"why": reason}
    )


@service
def let_act_again(*, actor: Actor, ticket: Ticket) -> None:
    """A person has looked: rules may act on this ticket again. Raises :class:`TicketWrongState` when they may."""
    fresh = journal.locked(ticket)

    require(actor, SUPERVISES, fresh)

    breaker: RuleBreaker | None = (
        RuleBreaker.objects.select_for_update().filter(ticket=fresh, closed_at=None).first()
    )  # fmt: skip
    if breaker is None:
        raise TicketWrongState(_("No rules are stopped on this ticket."))

    breaker.closed_at, breaker.closed_by = time.now(), actor.label[:200]
    breaker.save(update_fields=["closed_at", "closed_by"])
    journal.write(fresh, actor=actor, event="rules_resumed", after={"reason": ""})


# Who, and how deep


def _by(event: TicketEvent, message: Message | None, cause_id: int | None) -> str:
    kind = ""
    if event.actor_kind == "user":
        kind = User.objects.filter(pk=event.actor_id).values_list("kind", flat=True).first() or ""
    return judging.acted_by(event, message, kind, by_rule=cause_id is not None)


def _depth(ticket: Ticket, event: TicketEvent, cause_id: int | None) -> int:
    """How many rules have set one another off up to this event, the next one included.

    What BOSS itself does within a minute of a rule on the same ticket (giving it out, a step of its escalation) counts
    as set off by that rule, and what happens to the ticket of a workflow that a rule has started by this one.
    """
    if cause_id is None and event.actor_kind == "system":
        lately = RuleRun.objects.filter(
            ticket=ticket, result=RuleResult.DONE, at__gt=event.at - automations.MINUTE, at__lte=event.at
        )
        depths = list(lately.values_list("depth", flat=True))
        if depths:
            return int(max(depths)) + 1
        if ticket.subject_kind and ticket.subject_id is not None:
            cause_id = subject_kinds.get(ticket.subject_kind).rule_run(ticket.subject_id)
    if cause_id is None:
        return 1
    return int(RuleRun.objects.filter(pk=cause_id).values_list("depth", flat=True).first() or 0) + 1


def _reaches_beyond(step: Mapping[str, str]) -> bool:
    kind = macro_steps.find(step["do"])
    return kind is not None and kind.reaches_beyond
