"""What a notification policy says: rows of event, audience and channels, and how and when each is told.

Read by one function (``services.recipients.plan``) that both previews and sends. What no row may say is kept here:
what happens inside is never told to customers, and customers are told by mail alone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.problems import InvalidInput
from ticketing import placeholders


class Event(models.TextChoices):
    """What people may be told of. That a promise is nearly or wholly late is told by the ladder (escalation)."""

    OPENED = "opened", gettext_lazy("Opened")
    STAFF_REPLY = "staff_reply", gettext_lazy("Answer to the customer")
    CUSTOMER_REPLY = "customer_reply", gettext_lazy("Message of the customer")
    NOTE = "note", gettext_lazy("Internal note")
    STATE_CHANGED = "state_changed", gettext_lazy("Another state")
    ASSIGNED = "assigned", gettext_lazy("Given to somebody")
    UNASSIGNED = "unassigned", gettext_lazy("Nobody has it")
    REMINDER = "reminder", gettext_lazy("Waiting for the customer's answer")
    RESOLVED = "resolved", gettext_lazy("Resolved")
    CLOSED = "closed", gettext_lazy("Closed")


class Audience(models.TextChoices):
    """Who is meant, in the order in which somebody of several of them is told."""

    REQUESTER = "requester", gettext_lazy("Requester")
    PARTICIPANTS = "participants", gettext_lazy("Others who take part")
    OWNER = "owner", gettext_lazy("Those who look after the building")
    ASSIGNEE = "assignee", gettext_lazy("Owner of the ticket")
    WATCHERS = "watchers", gettext_lazy("Those who watch it")
    POOL = "pool", gettext_lazy("Members of its pool")
    SUPERVISORS = "supervisors", gettext_lazy("Supervisors of its pool")


class Channel(models.TextChoices):
    MAIL = "mail", gettext_lazy("E-mail")
    IN_APP = "in_app", gettext_lazy("In the console")


CUSTOMERS = frozenset({Audience.REQUESTER, Audience.PARTICIPANTS, Audience.OWNER})
INSIDE = frozenset({Event.NOTE, Event.ASSIGNED, Event.UNASSIGNED})
"""Never told to customers, whatever a row says."""
RECIPIENTS_OWN = "recipient"
"""As ``hours``: those of whoever is told."""
MOST_ROWS = 60
LONGEST_WAIT = 24 * 60
LONGEST_WORDING = 1000
UNASSIGNED_AFTER = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the matrix. ``wait``: minutes until it is told, in which further ones are gathered for staff.
    ``hours``: a calendar's key outside of which nothing is told, RECIPIENTS_OWN, or "" for any time. ``wording``
    stands on top of the mail, or in place of a notice's text."""

    event: str
    audience: str
    channels: tuple[str, ...]
    wait: int = 0
    hours: str = ""
    wording: str = ""

    @property
    def delay(self) -> dt.timedelta:
        return dt.timedelta(minutes=self.wait)


@dataclass(frozen=True, slots=True)
class Matrix:
    """``unassigned_after``: minutes a ticket may lie in a pool before that is an event."""

    rows: tuple[Row, ...]
    unassigned_after: int = UNASSIGNED_AFTER

    def of(self, event: str) -> list[Row]:
        """The rows of an event, in the order of audiences."""
        order = list(Audience.values)
        return sorted((row for row in self.rows if row.event == event), key=lambda row: order.index(row.audience))

    def row(self, event: str, audience: str) -> Row | None:
        return next((row for row in self.rows if (row.event, row.audience) == (event, audience)), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "unassigned_after": self.unassigned_after,
            "rows": [
                {
                    "event": row.event, "audience": row.audience, "channels": list(row.channels), "wait": row.wait,
                    "hours": row.hours, "wording": row.wording,
                }
                for row in self.rows
            ],
        }  # fmt: skip


_MAIL, _BOTH, _HERE = (Channel.MAIL.value,), (Channel.MAIL.value, Channel.IN_APP.value), (Channel.IN_APP.value,)
DIGEST = 15
USUAL = Matrix(
    (
        Row(Event.OPENED.value, Audience.REQUESTER.value, _MAIL),
        Row(Event.STAFF_REPLY.value, Audience.REQUESTER.value, _MAIL),
        Row(Event.STAFF_REPLY.value, Audience.PARTICIPANTS.value, _MAIL),
        Row(Event.RESOLVED.value, Audience.REQUESTER.value, _MAIL),
        Row(Event.REMINDER.value, Audience.REQUESTER.value, _MAIL),
        Row(Event.CUSTOMER_REPLY.value, Audience.ASSIGNEE.value, _BOTH, hours=RECIPIENTS_OWN),
        Row(Event.ASSIGNED.value, Audience.ASSIGNEE.value, _HERE),
        Row(Event.UNASSIGNED.value, Audience.POOL.value, _BOTH, hours=RECIPIENTS_OWN),
        *(
            Row(event.value, Audience.WATCHERS.value, _BOTH, wait=DIGEST, hours=RECIPIENTS_OWN)
            for event in (
                Event.STAFF_REPLY, Event.CUSTOMER_REPLY, Event.NOTE, Event.STATE_CHANGED, Event.RESOLVED, Event.CLOSED,
            )
        ),
    )
)  # fmt: skip
"""What holds where the provider has decided nothing."""


def read(told: Mapping[str, Any], *, calendars: frozenset[str] | None = None) -> Matrix:
    """A matrix from its JSON. Raises :class:`InvalidInput` with fields like ``rows.0.channels``.

    ``calendars`` are the keys there are; None for what was published before and is not judged again.
    """
    faults: dict[str, list[str]] = {}
    given = told.get("rows")
    rows = given if isinstance(given, list) else []
    if not isinstance(given, list):
        faults["rows"] = [_("Give the rows; an empty list tells nobody anything.")]
    if len(rows) > MOST_ROWS:
        faults["rows"] = [_("At most %(n)s rows.") % {"n": MOST_ROWS}]
    found = tuple(_row(row, f"rows.{index}", faults, calendars) for index, row in enumerate(rows[:MOST_ROWS]))
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(found):
        if (row.event, row.audience) in seen:
            faults.setdefault(f"rows.{index}.audience", [_("This event has a row for them already.")])
        seen.add((row.event, row.audience))
    after = told.get("unassigned_after", UNASSIGNED_AFTER)
    if not _is_number(after) or not 1 <= after <= LONGEST_WAIT:
        faults["unassigned_after"] = [_("Between 1 and %(n)s minutes.") % {"n": LONGEST_WAIT}]
    if faults:
        raise InvalidInput(fields=faults)
    return Matrix(found, after)


def _row(told: Any, at: str, faults: dict[str, list[str]], calendars: frozenset[str] | None) -> Row:
    row: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    event, audience = str(row.get("event", "")), str(row.get("audience", ""))
    if event not in Event.values:
        faults[f"{at}.event"] = [_("There is no such event.")]
    if audience not in Audience.values:
        faults[f"{at}.audience"] = [_("There is no such audience.")]
    elif event in INSIDE and audience in CUSTOMERS:
        faults[f"{at}.audience"] = [_("This is never told to customers.")]
    given = row.get("channels")
    channels = [each for each in given if isinstance(each, str)] if isinstance(given, list | tuple) else []
    if not channels or not set(channels) <= set(Channel.values):
        faults[f"{at}.channels"] = [_("Choose e-mail, the console, or both.")]
    elif audience in CUSTOMERS and Channel.IN_APP.value in channels:
        faults[f"{at}.channels"] = [_("Customers are told by e-mail alone.")]
    wait = row.get("wait", 0)
    if not _is_number(wait) or not 0 <= wait <= LONGEST_WAIT:
        faults[f"{at}.wait"], wait = [_("Between 0 and %(n)s minutes.") % {"n": LONGEST_WAIT}], 0
    hours = str(row.get("hours", "") or "")
    if hours == RECIPIENTS_OWN and audience in CUSTOMERS:
        faults[f"{at}.hours"] = [_("Customers have no hours here. Choose a calendar.")]
    elif hours not in ("", RECIPIENTS_OWN) and calendars is not None and hours not in calendars:
        faults[f"{at}.hours"] = [_("There is no such calendar.")]
    wording = str(row.get("wording", "") or "").strip()
    if len(wording) > LONGEST_WORDING:
        faults[f"{at}.wording"] = [_("At most %(n)s characters.") % {"n": LONGEST_WORDING}]
    elif unknown := placeholders.unknown(wording):
        faults[f"{at}.wording"] = [_("Unknown: %(names)s.") % {"names": ", ".join(unknown)}]
    ordered = tuple(each for each in Channel.values if each in channels)
    return Row(event, audience, ordered, wait, hours, wording)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
