"""What rules know of an event and of a ticket: reads of rows that are given, and no statement of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from boss.core import crypto
from boss.core.expressions import ExpressionError, evaluate, names_in
from boss.tenancy.models import User
from ticketing import policies
from ticketing.automation.kinds import ActedBy, RuleEvent
from ticketing.choices import MessageKind, Trust
from ticketing.mail.automatic import MailClass
from ticketing.models import Message, Ticket, TicketEvent

_PLAIN: Mapping[str, str] = {
    "opened": RuleEvent.OPENED,
    "prioritized": RuleEvent.PRIORITY,
    "sent_to_pool": RuleEvent.POOL,
    "recategorised": RuleEvent.CATEGORY,
    "claimed": RuleEvent.GIVEN,
    "assigned": RuleEvent.GIVEN,
    "released": RuleEvent.RELEASED,
    "filled": RuleEvent.FIELDS,
    "escalated": RuleEvent.ESCALATED,
}
_WRITTEN = ("message_added", "mail_added")


def may_set_off(event: TicketEvent) -> frozenset[str]:
    """What an event may set off by what the journal says, before its message is looked at."""
    found = {_PLAIN[event.type]} if event.type in _PLAIN else set()
    if event.type in _WRITTEN:
        internal = event.after.get("kind") == MessageKind.INTERNAL
        found |= {RuleEvent.NOTED} if internal else {RuleEvent.CUSTOMER_WROTE, RuleEvent.ANSWERED}
        if event.after.get("kind") == MessageKind.SYSTEM:
            found = set()
    if event.type != "opened" and any(
        name in event.after and event.after[name] != event.before.get(name) for name in ("state", "status")
    ):
        found.add(RuleEvent.STATUS)
    if event.after.get("data"):
        found.add(RuleEvent.FIELDS)
    return frozenset(str(kind) for kind in found)


def set_off(event: TicketEvent, message: Message | None) -> frozenset[str]:
    """What an event sets off. A mail no person wrote sets off nothing (rule L3 of mail)."""
    if message is not None and message.mail_class not in ("", MailClass.HUMAN):
        return frozenset()
    found = may_set_off(event)
    if message is not None and message.kind == MessageKind.PUBLIC:
        other = RuleEvent.ANSWERED if message.from_customer else RuleEvent.CUSTOMER_WROTE
        found -= {str(other)}
    return found


def is_verified(message: Message | None) -> bool:
    """False for a mail whose sender nobody could verify."""
    return message is None or message.trust != Trust.UNVERIFIED


def acted_by(event: TicketEvent, message: Message | None, kind: str, *, by_rule: bool) -> str:
    """Who it was. ``kind``: that of the user the event names, "" when it names none."""
    if by_rule:
        return str(ActedBy.RULE)
    if event.actor_kind == "system":
        return str(ActedBy.MACHINE)
    if event.actor_kind == "api_key":
        return str(ActedBy.PROGRAM)
    customer = message.from_customer if message is not None and message.kind == MessageKind.PUBLIC else None
    if customer is None:
        customer = event.actor_kind == "visitor" or kind != User.Kind.STAFF
    return str(ActedBy.CUSTOMER if customer else ActedBy.STAFF)


def names_of(
    ticket: Ticket, event: TicketEvent, message: Message | None, *, by: str, at: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The values of ``NAMES``. ``at``: priority, state and status as they were then, else as they are now."""
    now = {"priority": ticket.priority, "state": str(ticket.state), "status": ticket.status, **(at or {})}
    return {
        "event": {"by": by, "verified": is_verified(message)},
        "ticket": {
            **now,
            "category": ticket.category.key,
            "pool": ticket.pool.key if ticket.pool else None,
            "title": ticket.title.lower(),
            "assigned": ticket.assignee_id is not None,
            "business": policies.facts_of(ticket).is_business,
        },
        "before": {name: event.before.get(name) for name in ("priority", "state", "status")},
        "fields": dict(ticket.data),
    }


def holds(when: Any, names: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether a condition holds, and what keeps it from being judged ("" when nothing does)."""
    if when is None:
        return True, ""
    try:
        return bool(evaluate(when, names)), ""
    except ExpressionError as error:
        return False, str(error)


def looked_at(when: Any, names: Mapping[str, Any], hidden: Iterable[str]) -> dict[str, Any]:
    """The values a condition has read, for the record; those of fields that are ``hidden`` are masked."""
    masked = {f"fields.{key}" for key in hidden}
    found = {}
    for name in sorted(names_in(when)):
        value: Any = names
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        personal = name == "fields" or any(name == each or name.startswith(f"{each}.") for each in masked)
        found[name] = crypto.MASK if personal and value is not None else value
    return found
