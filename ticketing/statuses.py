"""A category's own statuses. Each belongs to a fixed state: promises, reports and the engine know only the states."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _

from ticketing.choices import OPEN_STATES, TicketState
from ticketing.fields import FieldDef
from ticketing.languages import told

CLOCKS = ("own", "first", "next", "resolve", "inform")
"""The promises a status may pause."""
COLOURS = ("", "busy", "wait", "ok", "bad", "idle")
"""Tones of the console's tokens, so that every status is readable in both themes."""
MOST = 30

_WAITING = (TicketState.WAITING_CUSTOMER, TicketState.WAITING_OTHER)
_ENDS = (TicketState.RESOLVED, TicketState.CANCELLED)
REACHABLE: Mapping[str, frozenset[str]] = {
    TicketState.NEW: frozenset((TicketState.OPEN, *_WAITING, *_ENDS)),
    TicketState.OPEN: frozenset((*_WAITING, *_ENDS)),
    TicketState.WAITING_CUSTOMER: frozenset((TicketState.OPEN, TicketState.WAITING_OTHER, *_ENDS)),
    TicketState.WAITING_OTHER: frozenset((TicketState.OPEN, TicketState.WAITING_CUSTOMER, *_ENDS)),
    TicketState.RESOLVED: frozenset((TicketState.OPEN, TicketState.CLOSED)),
    TicketState.CLOSED: frozenset((TicketState.OPEN,)),
    TicketState.CANCELLED: frozenset(),
    TicketState.MERGED: frozenset(),
}
"""To which states a state may be left: the transitions of the ticket, which hold whatever a category says."""


@dataclass(frozen=True, slots=True)
class StatusDef:
    """One status. ``customer_label``: what customers read, the state's own words when empty. ``allowed_next``: the keys
    it may be left to; none: any that its state allows. ``require_fields``: what must be filled in to enter it.
    ``words``: both labels in other languages.
    """

    key: str
    label: str
    state: str
    customer_label: str = ""
    pauses_clocks: tuple[str, ...] = ()
    allowed_next: tuple[str, ...] = ()
    require_fields: tuple[str, ...] = ()
    colour: str = ""
    words: Any = None

    def __post_init__(self) -> None:
        for name in ("pauses_clocks", "allowed_next", "require_fields"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.state not in TicketState.values:
            raise ImproperlyConfigured(f"status {self.key!r}: there is no state {self.state!r}")
        if self.colour not in COLOURS:
            raise ImproperlyConfigured(f"status {self.key!r}: there is no colour {self.colour!r}")

    def to_json(self) -> dict[str, Any]:
        lists = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}
        return {key: value for key, value in lists.items() if value or key in ("key", "label", "state")}

    def words_for(self, role: str) -> str:
        """What it is called to staff and to customers."""
        return self.label if role in ("staff", "system") else self.customer_label or str(TicketState(self.state).label)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES


def said(known: Iterable[StatusDef]) -> list[StatusDef]:
    """The statuses in the language spoken (:mod:`ticketing.languages`)."""
    return [
        replace(
            each,
            label=told(each.words, "label", each.label),
            customer_label=told(each.words, "customer_label", each.customer_label),
        )
        if each.words
        else each
        for each in known
    ]


def from_json(items: Iterable[StatusDef | Mapping[str, Any]]) -> list[StatusDef]:
    """Statuses as they are stored. Raises ImproperlyConfigured."""
    found = []
    for item in items:
        try:
            found.append(item if isinstance(item, StatusDef) else StatusDef(**item))
        except TypeError as error:
            raise ImproperlyConfigured(f"status {item!r}: {error}") from None
    return found


def standard(state: str) -> StatusDef:
    """The status every category has for a state for which it names none of its own."""
    return StatusDef(str(state), str(TicketState(state).label), str(state))


def effective(own: Iterable[StatusDef]) -> list[StatusDef]:
    """A category's statuses, with the standard ones for the states it has no word for, in the order of the states."""
    mine = list(own)
    return [
        status
        for state in TicketState.values
        for status in [each for each in mine if each.state == state] or [standard(state)]
    ]


def find(known: Iterable[StatusDef], key: str) -> StatusDef | None:
    return next((status for status in known if status.key == key), None)


def first_of(known: Iterable[StatusDef], state: str) -> StatusDef:
    """The status a ticket gets when it comes into ``state`` and nobody has chosen one."""
    return next((status for status in known if status.state == state), None) or standard(state)


def next_of(known: Sequence[StatusDef], key: str, state: str) -> list[StatusDef]:
    """The statuses a ticket in status ``key`` of ``state`` may go to."""
    now = find(known, key)
    allowed = now.allowed_next if now is not None else ()
    return [
        status
        for status in known
        if status.key != key
        and (status.state == state or status.state in REACHABLE[state])
        and (not allowed or status.key in allowed)
    ]


def needed(fields: Iterable[FieldDef], target: StatusDef) -> set[str]:
    """The keys of the fields that must not be empty in ``target``."""
    every = list(fields)
    wanted = {field.key for field in every if target.key in field.required_in} | set(target.require_fields)
    return wanted - {field.key for field in every if field.archived}


def faults(own: Sequence[StatusDef], fields: Collection[str]) -> dict[str, list[str]]:
    """What forbids publishing these statuses beside fields of these keys, by place ("statuses.<key>.allowed_next")."""
    found: dict[str, list[str]] = {}
    known = {status.key: status for status in effective(own)}
    keys = [status.key for status in own]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        found["statuses"] = [_("A key is used twice: %(keys)s.") % {"keys": ", ".join(twice)}]
    if len(own) > MOST:
        found["statuses"] = [_("At most %(n)s statuses.") % {"n": MOST}]
    for status in own:
        place = f"statuses.{status.key}"
        if status.key in TicketState.values and status.key != status.state:
            found[f"{place}.key"] = [_("This key is the name of another state.")]
        if not status.label.strip():
            found[f"{place}.label"] = [_("Enter a name.")]
        unknown = [key for key in status.allowed_next if key not in known]
        barred = [
            known[key].label
            for key in status.allowed_next
            if key in known and known[key].state not in {status.state, *REACHABLE[status.state]}
        ]
        if unknown:
            found[f"{place}.allowed_next"] = [_("There is no status %(keys)s.") % {"keys": ", ".join(unknown)}]
        elif barred:
            found[f"{place}.allowed_next"] = [
                _("A ticket in this state cannot become: %(labels)s.") % {"labels": ", ".join(barred)}
            ]
        if strange := sorted(set(status.pauses_clocks) - set(CLOCKS)):
            found[f"{place}.pauses_clocks"] = [_("There is no clock %(keys)s.") % {"keys": ", ".join(strange)}]
        if strange := sorted(set(status.require_fields) - set(fields)):
            found[f"{place}.require_fields"] = [_("There is no field %(keys)s.") % {"keys": ", ".join(strange)}]
    return found
