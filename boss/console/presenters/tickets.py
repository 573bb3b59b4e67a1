"""Tickets as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.marks import PRIORITY, TICKET, mark
from boss.console.presenters.words import label, pairs, plain
from boss.core import clock
from boss.core.actors import Actor
from boss.look.attached import Shown
from boss.look.attached import state_of as state_of_file
from boss.look.marks import Mark, Tone
from boss.look.values import in_words
from ticketing import attachments, references
from ticketing.choices import MessageKind, Priority, TicketState
from ticketing.fields import Viewer
from ticketing.models import Attachment, Message, Ticket, TicketEvent
from ticketing.selectors import ORPHANS, Known
from ticketing.statuses import StatusDef


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A line of a list."""

    number: str
    title: str
    url: str
    state: Mark
    priority: Mark | None
    category: str
    pool: str
    assignee: str
    due_at: datetime | None
    is_late: bool
    opened_at: datetime
    is_mine: bool
    public_id: str


def url_of(ticket: Ticket) -> str:
    return reverse("console:ticket", args=[ticket.public_id])


def row(ticket: Ticket, user_id: int | None = None) -> TicketRow:
    late = bool(ticket.is_open and ticket.due_at and ticket.due_at < clock.now())
    return TicketRow(
        number=ticket.number,
        title=ticket.title,
        url=url_of(ticket),
        state=mark(TICKET, ticket.state),
        priority=mark(PRIORITY, ticket.priority) if ticket.priority < Priority.NORMAL else None,
        category=ticket.category.title,
        pool=ticket.pool.name if ticket.pool else "",
        assignee=ticket.assignee.full_name if ticket.assignee else "",
        due_at=ticket.due_at if ticket.is_open else None,
        is_late=late,
        opened_at=ticket.opened_at,
        is_mine=ticket.assignee_id is not None and ticket.assignee_id == user_id,
        public_id=ticket.public_id,
    )


@dataclass(frozen=True, slots=True)
class Said:
    """One entry of the conversation: a message, or something that happened, in words."""

    at: datetime
    who: str
    body: str
    kind: str
    label: str
    icon: str
    files: Sequence[Shown] = ()


def _said(message: Message) -> Said:
    if message.kind == MessageKind.INTERNAL:
        return Said(message.at, message.author_label, message.body, "internal", _("Internal note"), "lock")
    if message.kind == MessageKind.SYSTEM:
        return Said(message.at, message.author_label, message.body, "system", _("From the system"), "robot")
    who = _("From the customer") if message.from_customer else _("To the customer")
    return Said(message.at, message.author_label, message.body, "public", who, "message")


def url_of_file(attachment: Attachment) -> str:
    return reverse("console:attachment", args=[attachment.public_id])


def conversation(
    messages: Iterable[Message], of: Ticket | None = None, files: Mapping[int, Sequence[Shown]] | None = None
) -> list[Said]:
    """What was said, with its ``files`` by message; beside what was said on another ticket (merged into ``of``,
    or split from) stands its number."""
    return [
        replace(said, label=f"{said.label} · {message.ticket.number}")
        if of is not None and message.ticket_id != of.pk
        else said
        for message in messages
        for said in [replace(_said(message), files=(files or {}).get(message.pk, ()))]
    ]


@dataclass(frozen=True, slots=True)
class Happened:
    """An entry of the log, for components/timeline.html."""

    at: datetime
    who: str
    text: str
    mark: Mark
    detail: str = ""
    url: str = ""


def _state_word(value: Any) -> str:
    return str(mark(TICKET, value).word)


def _sentence(event: TicketEvent) -> str:
    after = event.after
    if event.type == "opened":
        return _("Opened")
    if event.type == "claimed":
        return _("Taken by %(name)s") % {"name": after.get("assignee") or event.actor_label}
    if event.type == "assigned":
        return _("Given to %(name)s") % {"name": after.get("assignee", "")}
    if event.type == "released":
        return _("Put back into the pool")
    if event.type == "message_added":
        return {
            MessageKind.INTERNAL: _("Internal note written"),
            MessageKind.SYSTEM: _("Note from the system"),
        }.get(after.get("kind"), _("Message written"))
    if event.type == "waiting":
        return _state_word(after.get("state"))
    if event.type == "filled":
        return _("Fields changed")
    if event.type == "moved":
        return _("Status: %(status)s") % {"status": label(str(after.get("status", "")))}
    if event.type == "recategorised":
        return _("Moved to another category")
    if event.type == "resolved":
        return _("Resolved")
    if event.type == "reopened":
        return _("Opened again")
    if event.type == "prioritized":
        return _("Priority: %(word)s") % {"word": mark(PRIORITY, after.get("priority")).word}
    if event.type == "sent_to_pool":
        return _("Moved to %(pool)s") % {"pool": after.get("pool", "")}
    if event.type == "macro_run":
        return _("Macro run: %(name)s (version %(n)s)") % {"name": after.get("name", ""), "n": after.get("version", "")}
    if event.type in _POINTS:
        what = after.get("point") or event.before.get("point") or "; ".join(after.get("points", []))
        return _POINTS[event.type] % {"what": what}
    if event.type == "reminded":
        return _("Reminder %(n)s of the customer. %(done)s") % {
            "n": after.get("number", ""), "done": after.get("reason", ""),
        }  # fmt: skip
    if event.type == "not_ended":
        return _("Did not end by itself. %(why)s") % {"why": after.get("reason", "")}
    if event.type in ("watched", "unwatched"):
        words = _("%(who)s watches it") if event.type == "watched" else _("%(who)s watches it no more")
        return words % {"who": after.get("who", "")}
    if event.type == "escalated":
        return _("Escalated. %(done)s") % {"done": "; ".join(after.get("done", []))}
    if event.type in _RULES:
        return str(_RULES[event.type])
    if event.type == "let_in":
        return _("%(who)s takes part now") % {"who": after.get("who", "")}
    if event.type == "kept_out":
        return _("%(who)s is not written to") % {"who": after.get("who", "")}
    if event.type == "shared":
        return _("Shown to %(name)s") % {"name": after.get("with", "")}
    if event.type == "sharing_stopped":
        return _("No longer shown to %(name)s") % {"name": event.before.get("with", "")}
    if event.type == "steps_renewed":
        return _("Steps of its escalation renewed")
    if (told := _bond(event)) is not None:
        return told
    if event.type == "promised_anew":
        return _("Due times agreed anew")
    return event.type.replace("_", " ").capitalize()


def _bond(event: TicketEvent) -> str | None:
    """What binds it to other tickets, in words; None for everything else."""
    told = event.before if event.type == "unlinked" else event.after
    other = told.get("to") or told.get("from") or told.get("into") or told.get("number") or told.get("kind") or ""
    sentence = {
        "merged": _("Merged into %(other)s"),
        "merged_in": _("%(other)s was merged into this ticket"),
        "unmerged": _("Is a ticket of its own again"),
        "merge_undone": _("%(other)s is a ticket of its own again"),
        "split": _("Part of it became %(other)s"),
        "split_off": _("Split from %(other)s"),
        "linked": _("Linked to %(other)s"),
        "linked_from": _("Linked from %(other)s"),
        "unlinked": _("No longer linked to %(other)s"),
    }.get(event.type)
    return None if sentence is None else sentence % {"other": other}


_POINTS = {
    "points_added": gettext_lazy("Added to the checklist: %(what)s"),
    "point_done": gettext_lazy("Done: %(what)s"),
    "point_open": gettext_lazy("Not done after all: %(what)s"),
    "point_removed": gettext_lazy("Taken off the checklist: %(what)s"),
    "points_ordered": gettext_lazy("Checklist put into another order"),
}


_RULES = {
    "rules_stopped": gettext_lazy("Rules are stopped on this ticket"),
    "rules_resumed": gettext_lazy("Rules may act again"),
}

_EVENT_MARKS = {
    "rules_stopped": Mark("", "hand-stop", "bad"),
    "rules_resumed": Mark("", "robot", "ok"),
    "macro_run": Mark("", "bolt", "busy"),
    "point_done": Mark("", "square-check", "ok"),
    "merged": Mark("", "git-branch", "idle"),
    "merged_in": Mark("", "git-branch", "busy"),
    "unmerged": Mark("", "arrow-back-up", "wait"),
    "merge_undone": Mark("", "arrow-back-up", "wait"),
    "split": Mark("", "arrows-exchange", "busy"),
    "split_off": Mark("", "arrows-exchange", "busy"),
    "linked": Mark("", "plug", "idle"),
    "linked_from": Mark("", "plug", "idle"),
    "opened": Mark("", "plus", "busy"),
    "claimed": Mark("", "hand-click", "busy"),
    "assigned": Mark("", "user", "busy"),
    "released": Mark("", "arrow-back-up", "idle"),
    "message_added": Mark("", "message", "idle"),
    "filled": Mark("", "edit", "idle"),
    "moved": Mark("", "circle-dot", "busy"),
    "recategorised": Mark("", "edit", "idle"),
    "waiting": Mark("", "hourglass", "wait"),
    "resolved": Mark("", "circle-check", "ok"),
    "reopened": Mark("", "rotate-clockwise", "wait"),
    "prioritized": Mark("", "flag", "wait"),
    "reminded": Mark("", "mail", "wait"),
    "not_ended": Mark("", "alert-triangle", "bad"),
    "watched": Mark("", "eye", "idle"),
    "unwatched": Mark("", "eye", "idle"),
    "escalated": Mark("", "alert-triangle", "bad"),
    "sent_to_pool": Mark("", "arrow-right", "busy"),
    "promised_anew": Mark("", "clock", "idle"),
    "shared": Mark("", "users", "idle"),
    "let_in": Mark("", "user-plus", "idle"),
    "kept_out": Mark("", "ban", "idle"),
    "sharing_stopped": Mark("", "users", "idle"),
    "closed": Mark("", "lock", "idle"),
    "cancelled": Mark("", "ban", "idle"),
}


def log(events: Iterable[TicketEvent]) -> list[Happened]:
    """What happened, newest first."""
    shown = [
        Happened(
            event.at,
            event.actor_label,
            _sentence(event),
            _EVENT_MARKS.get(event.type, Mark("", "circle-dot")),
            _detail(event),
        )
        for event in events
    ]
    return shown[::-1]


def _detail(event: TicketEvent) -> str:
    """The reason that was given, and of a ticket that was given out by rules why the others did not get it."""
    reason = str(event.after.get("reason", "") or "")
    passed = event.after.get("passed_over") or []
    return f"{reason} {_('Passed over: %(names)s.') % {'names': '; '.join(passed)}}" if passed else reason


def values(actor: Actor, ticket: Ticket, known: Known, viewer: Viewer) -> list[tuple[str, str, str]]:
    """The ticket's own fields as (label, value in words, address of what it names); last those an earlier category
    left."""
    found = []
    data = known.data_for(ticket, viewer)
    visible = {field.key for field in known.readable(ticket, viewer)}
    files = attachments.of_fields(actor, ticket, known, viewer)
    order = [*known.fields, *(key for key in data if key not in known.fields and key != ORPHANS)]
    for key in order:
        if key not in data or (key in known.fields and key not in visible):
            continue
        field, value = known.fields.get(key), data[key]
        card = references.find(actor, field, value) if field else None
        if field is not None and field.type == "file":
            row = files.get(str(value))
            if row is not None:
                told = row.name if row.is_offered else f"{row.name} ({state_of_file(row)})"
                found.append((field.title, told, url_of_file(row) if row.is_offered else ""))
        elif card is not None:
            found.append((field.title if field else key, card.label, card.url))
        else:
            told = in_words(field, value, field.labels) if field else plain(value)
            found.append((field.title if field else label(key), told, ""))
    before = _("%(label)s (before)")
    found += [
        (before % {"label": entry["label"]}, plain(entry["value"]), "") for entry in data.get(ORPHANS, {}).values()
    ]
    return found


def state_of(ticket: Ticket, status: StatusDef) -> Mark:
    """The status in the category's own words, with the sign of its state."""
    standard = mark(TICKET, ticket.state)
    if status.key == ticket.state and status.label == str(TicketState(ticket.state).label):
        return standard
    return replace(standard, word=status.label, tone=cast(Tone, status.colour) if status.colour else standard.tone)


def results(ticket: Ticket) -> list[tuple[str, str]]:
    """What the resolution brought."""
    return pairs(ticket.outcome_values)


def may_reopen(ticket: Ticket) -> bool:
    return ticket.state in (TicketState.RESOLVED, TicketState.CLOSED) and not ticket.outcome
