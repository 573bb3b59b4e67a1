"""Writing policies: drafted, looked at, published as a version that never changes, put to use, reverted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core import audit, locks
from boss.core import clock as time
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.scoping import ScopedQuerySet
from boss.core.services import service
from boss.tenancy import selectors as tenancy
from ticketing import closing, policies, telling
from ticketing.errors import KeyTaken
from ticketing.models import Category, Policy, PolicyUse, PolicyVersion, TalentPool, Ticket
from ticketing.registry import condition_kinds
from ticketing.services import automation, clocks, deadlines
from ticketing.services.tickets import journal
from ticketing.sla import ladders
from ticketing.sla import rules as sla
from ticketing.sla.kinds import PolicyKind

OPEN_TICKETS = ("leave", "from_now", "recompute")
"""What a change means for tickets that are open: their clocks run on as agreed; what has passed stays and the new
terms hold from now on; or everything is counted anew from the start of each clock."""
_AT_ONCE = (PolicyKind.NOTIFICATION, PolicyKind.CLOSING)
"""Kinds that hold for every ticket from their publishing on; open ones may have what comes reckoned anew at once."""
MOST_OPEN = 2000
"""Open tickets that are agreed anew in one go. Closed ones never change."""


@service
def create(*, actor: Actor, kind: str, key: str, name: str) -> Policy:
    """A policy without a version yet. Raises :class:`KeyTaken`, and :class:`InvalidInput` with ``kind``, ``name``."""
    require(actor, "ticketing.manage_policies")

    if kind not in _READERS:
        raise InvalidInput(fields={"kind": [_("Choose a kind of policy.")]})
    if not name.strip():
        raise InvalidInput(fields={"name": [_("Enter a name.")]})
    locks.hold(f"ticketing.policy:{key}")
    if Policy.objects.filter(key=key).exists():
        raise KeyTaken(fields={"key": [str(KeyTaken.title)]})

    policy: Policy = Policy(kind=kind, key=key, name=name.strip()[:80])
    policy.clean_fields(exclude=["current"])
    policy.save()

    audit.record(actor=actor, action="policy.created", subject=policy, after={"key": key, "kind": kind})
    return policy


@service
def draft(*, actor: Actor, policy: Policy, rules: Mapping[str, Any]) -> Policy:
    """Keep what is being written, checked. It holds nowhere until it is published. Raises :class:`InvalidInput`."""
    policy = _locked(policy)

    require(actor, "ticketing.manage_policies", policy)

    policy.draft = check(policy.kind, rules)
    _require_rights(actor, policy.kind, policy.draft)
    policy.drafted_by, policy.drafted_at = actor.label[:200], time.now()
    policy.save(update_fields=["draft", "drafted_by", "drafted_at"])

    audit.record(actor=actor, action="policy.drafted", subject=policy, after={"rules": policy.draft})
    return policy


@service
def publish(*, actor: Actor, policy: Policy, note: str = "", open_tickets: str = "leave") -> PolicyVersion:
    """Let the draft hold from now on, as the next version. ``open_tickets``: one of ``OPEN_TICKETS``.

    Raises :class:`InvalidInput` with fields ``draft``, ``open_tickets`` and what is wrong in the draft.
    """
    policy = _locked(policy)

    require(actor, "ticketing.manage_policies", policy)

    if policy.draft is None:
        raise InvalidInput(fields={"draft": [_("There is no draft to publish.")]})

    _require_rights(actor, policy.kind, policy.draft)
    version = _publish(policy, check(policy.kind, policy.draft), actor=actor, note=note)
    changed = _agree_anew(policy, actor=actor, open_tickets=open_tickets)

    audit.record(
        actor=actor, action="policy.published", subject=policy,
        after={"version": version.number, "note": note, "open_tickets": open_tickets, "agreed_anew": changed},
    )  # fmt: skip
    return version


@service
def revert(*, actor: Actor, policy: Policy, number: int, open_tickets: str = "leave") -> PolicyVersion:
    """Publish what version ``number`` said once more, as a version of its own. The draft stays as it is."""
    policy = _locked(policy)
    former = policies.get_version(policy, number)

    require(actor, "ticketing.manage_policies", policy)

    _require_rights(actor, policy.kind, former.rules)
    note = _("As version %(n)s") % {"n": number}
    version = _publish(policy, check(policy.kind, former.rules), actor=actor, note=note, keep_draft=True)
    changed = _agree_anew(policy, actor=actor, open_tickets=open_tickets)

    audit.record(
        actor=actor, action="policy.reverted", subject=policy,
        after={"version": version.number, "to": number, "open_tickets": open_tickets, "agreed_anew": changed},
    )  # fmt: skip
    return version


@service
def use(*, actor: Actor, policy: Policy, category: Category | None, open_tickets: str = "leave") -> PolicyUse:
    """Let a policy hold in a category and those below it, or (None) in the whole realm, in place of the one there."""
    policy = _locked(policy)

    require(actor, "ticketing.manage_policies", policy)

    if policy.current is None:
        raise InvalidInput(fields={"policy": [_("Publish it first.")]})
    held: PolicyUse | None = (
        PolicyUse.objects.select_for_update().filter(kind=policy.kind, category=category).first()
    )  # fmt: skip
    if held is None:
        held = PolicyUse(kind=policy.kind, category=category)
    held.policy = policy
    held.save()
    _agree_anew(policy, actor=actor, open_tickets=open_tickets)

    audit.record(
        actor=actor, action="policy.put_to_use", subject=policy,
        after={"category": category.key if category else "", "open_tickets": open_tickets},
    )  # fmt: skip
    return held


@service
def stop_using(*, actor: Actor, policy: Policy, category: Category | None) -> None:
    """Let it hold there no more. Clocks that run are left as they were agreed."""
    require(actor, "ticketing.manage_policies", policy)

    removed, _each = PolicyUse.objects.filter(policy=policy, category=category).delete()

    if removed:
        audit.record(
            actor=actor, action="policy.left_off", subject=policy, before={"category": category.key if category else ""}
        )


@service
def hours_changed(*, actor: Actor, calendar_key: str, open_tickets: str) -> int:
    """A calendar was changed: what that means for clocks that run by it. How many tickets were agreed anew."""
    require(actor, "ticketing.manage_policies")

    found = policies.open_by_calendar(calendar_key)
    reason = _("The opening hours were changed")
    return _each_open(found, actor=actor, open_tickets=open_tickets, reason=reason)


def check(kind: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules as they are kept. Raises :class:`InvalidInput` with the place of what is wrong."""
    return _READERS[kind](rules)


def _require_rights(actor: Actor, kind: str, rules: Mapping[str, Any]) -> None:
    if kind == PolicyKind.AUTOMATION:
        automation.require_rights(actor, rules)


def _sla(rules: Mapping[str, Any]) -> dict[str, Any]:
    calendars = frozenset(calendar.key for calendar in tenancy.list_calendars())
    known = {kind.key: kind.existing for _key, kind in condition_kinds}
    return sla.read(rules, calendars=calendars, known=known).to_json()


def _ladder(rules: Mapping[str, Any]) -> dict[str, Any]:
    known = ladders.Known(
        calendars=frozenset(calendar.key for calendar in tenancy.list_calendars()),
        pools=frozenset(TalentPool.objects.values_list("key", flat=True)),
        roles=frozenset(key for key, _name in tenancy.list_roles_of_staff()),
    )
    return ladders.read(rules, known).to_json()


def _matrix(rules: Mapping[str, Any]) -> dict[str, Any]:
    return telling.read(rules, calendars=frozenset(each.key for each in tenancy.list_calendars())).to_json()


def _closing(rules: Mapping[str, Any]) -> dict[str, Any]:
    return closing.read(rules, calendars=frozenset(each.key for each in tenancy.list_calendars())).to_json()


_READERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    PolicyKind.SLA.value: _sla,
    PolicyKind.ESCALATION.value: _ladder,
    PolicyKind.AUTOMATION.value: automation.check,
    PolicyKind.NOTIFICATION.value: _matrix,
    PolicyKind.CLOSING.value: _closing,
}


def _locked(policy: Policy) -> Policy:
    fresh: Policy = Policy.objects.select_for_update().get(pk=policy.pk)
    return fresh


def _publish(
    policy: Policy, rules: dict[str, Any], *, actor: Actor, note: str, keep_draft: bool = False
) -> PolicyVersion:
    last = policies.list_versions(policy).first()
    version: PolicyVersion = PolicyVersion.objects.create(
        policy=policy, number=last.number + 1 if last else 1, rules=rules, note=note.strip()[:200],
        published_by=actor.label[:200],
    )  # fmt: skip
    policy.current = version
    if not keep_draft:
        policy.draft, policy.drafted_by, policy.drafted_at = None, "", None
    policy.save(update_fields=["current", "draft", "drafted_by", "drafted_at"])
    return version


def _agree_anew(policy: Policy, *, actor: Actor, open_tickets: str) -> int:
    if open_tickets not in OPEN_TICKETS:
        raise InvalidInput(fields={"open_tickets": [_("Say what becomes of open tickets.")]})
    if policy.kind not in (PolicyKind.SLA, PolicyKind.ESCALATION):  # nothing was agreed by it
        return 0
    reason = _("%(policy)s was changed") % {"policy": policy.name}
    steps = policy.current if policy.kind == PolicyKind.ESCALATION else None
    return _each_open(
        policies.open_under(policy), actor=actor, open_tickets=open_tickets, reason=reason, steps=steps, policy=policy
    )


def _each_open(
    found: ScopedQuerySet, *, actor: Actor, open_tickets: str, reason: str, steps: PolicyVersion | None = None,
    policy: Policy | None = None,
) -> int:  # fmt: skip
    """With ``steps`` those of a ladder hold for open tickets, too, whichever of the two ways was chosen."""
    if open_tickets not in OPEN_TICKETS:
        raise InvalidInput(fields={"open_tickets": [_("Say what becomes of open tickets.")]})
    if open_tickets == "leave":
        return 0
    keys = list(
        found.filter(state__in=policies.states_under(policy))
        .order_by("id")
        .values_list("pk", flat=True)[: MOST_OPEN + 1]
    )
    if len(keys) > MOST_OPEN:
        message = _("More than %(n)s tickets are open under it. Leave them as they are.") % {"n": MOST_OPEN}
        raise InvalidInput(fields={"open_tickets": [message]})
    changed = 0
    for key in keys:
        ticket = journal.locked(Ticket(pk=key))
        if ticket.state not in policies.states_under(
            policy
        ):  # closed while we waited for its lock: what is closed never changes
            continue
        if policy is not None and policy.kind in _AT_ONCE:
            deadlines.follow(ticket)
            changed += 1
            continue
        if steps is not None:
            if clocks.renew_steps(ticket, steps):
                journal.write(ticket, actor=actor, event="steps_renewed", after={"reason": reason})
                changed += 1
            continue
        changes = clocks.agree_again(ticket, reason=reason, since_now=open_tickets == "from_now")
        if changes:
            after = {
                "reason": reason,
                "clocks": changes,
                "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
            }
            journal.write(ticket, actor=actor, event="promised_anew", after=after)
            changed += 1
    return changed
