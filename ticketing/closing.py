"""What a closing policy says: what must be there before a ticket ends, and when it ends or is taken up by itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core.calendars import ALWAYS, BusinessCalendar
from boss.core.problems import InvalidInput

MOST_DAYS = 365
MOST_HOURS = 24 * 365
MOST_CODES = 30
REMINDERS = 2
LONGEST_KEY, LONGEST_LABEL = 40, 80


@dataclass(frozen=True, slots=True)
class ClosingRules:
    """All of it off is what holds where the provider has decided nothing.

    ``reminders`` and ``resolve_after`` are working days of ``hours`` (a calendar's key; "": every day) that a ticket
    has waited for its customer; ``close_after`` hours from its resolution; ``reopen_within`` days from its closing in
    which a customer's message opens it again. 0 is never.
    """

    hours: str = ""
    reminders: tuple[int, ...] = ()
    resolve_after: int = 0
    close_after: int = 0
    reopen_within: int = 0
    codes: tuple[tuple[str, str], ...] = ()
    needs_code: bool = False
    fields: tuple[str, ...] = ()
    no_children: bool = False
    no_timers: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "hours": self.hours,
            "reminders": list(self.reminders),
            "resolve_after": self.resolve_after,
            "close_after": self.close_after,
            "reopen_within": self.reopen_within,
            "codes": [{"key": key, "label": label} for key, label in self.codes],
            "needs_code": self.needs_code,
            "fields": list(self.fields),
            "no_children": self.no_children,
            "no_timers": self.no_timers,
        }

    def label_of(self, code: str) -> str:
        return dict(self.codes).get(code, code)


NOTHING = ClosingRules()
USUAL = ClosingRules(
    reminders=(2, 5), resolve_after=7, close_after=72, reopen_within=14, no_children=True, no_timers=True
)  # fmt: skip
"""What a new policy of this kind begins with."""


def read(told: Mapping[str, Any], *, calendars: frozenset[str] | None = None) -> ClosingRules:
    """Rules from their JSON. Raises :class:`InvalidInput` with fields like ``resolve_after`` or ``codes.0.key``.

    ``calendars`` are the keys there are; None for what was published before and is not judged again.
    """
    faults: dict[str, list[str]] = {}
    hours = str(told.get("hours", "") or "")
    if hours and calendars is not None and hours not in calendars:
        faults["hours"] = [_("There is no such calendar.")]
    reminders = _reminders(told.get("reminders") or [], faults)
    resolve_after = _number(told, "resolve_after", MOST_DAYS, faults)
    if resolve_after and reminders and reminders[-1] >= resolve_after:
        faults.setdefault("resolve_after", [_("Later than the last reminder.")])
    codes = _codes(told.get("codes") or [], faults)
    needs_code = bool(told.get("needs_code"))
    if needs_code and not codes and "codes" not in faults:
        faults["codes"] = [_("Give the codes that may be chosen.")]
    given = told.get("fields") or []
    fields = tuple(str(each) for each in given) if isinstance(given, list | tuple) else ()
    read_rules = ClosingRules(
        hours=hours, reminders=reminders, resolve_after=resolve_after,
        close_after=_number(told, "close_after", MOST_HOURS, faults),
        reopen_within=_number(told, "reopen_within", MOST_DAYS, faults),
        codes=codes, needs_code=needs_code, fields=tuple(dict.fromkeys(each for each in fields if each))[:50],
        no_children=bool(told.get("no_children")), no_timers=bool(told.get("no_timers")),
    )  # fmt: skip
    if faults:
        raise InvalidInput(fields=faults)
    return read_rules


def _number(told: Mapping[str, Any], name: str, most: int, faults: dict[str, list[str]]) -> int:
    value = told.get(name, 0) or 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        faults[name] = [_("Between 0 (never) and %(n)s.") % {"n": most}]
        return 0
    return value


def _reminders(told: Any, faults: dict[str, list[str]]) -> tuple[int, ...]:
    given: list[Any] = list(told) if isinstance(told, list | tuple) else [None]
    if len(given) > REMINDERS:
        faults["reminders"] = [_("At most %(n)s reminders.") % {"n": REMINDERS}]
        return ()
    if any(not isinstance(day, int) or isinstance(day, bool) or not 1 <= day <= MOST_DAYS for day in given):
        faults["reminders"] = [_("Days are numbers from 1 to %(n)s.") % {"n": MOST_DAYS}]
        return ()
    if sorted(set(given)) != given:
        faults["reminders"] = [_("Each later than the one before.")]
        return ()
    return tuple(given)


def _codes(told: Any, faults: dict[str, list[str]]) -> tuple[tuple[str, str], ...]:
    given = list(told) if isinstance(told, list | tuple) else []
    if len(given) > MOST_CODES:
        faults["codes"] = [_("At most %(n)s codes.") % {"n": MOST_CODES}]
        return ()
    found: dict[str, str] = {}
    for index, each in enumerate(given):
        pair: Mapping[str, Any] = each if isinstance(each, Mapping) else {}
        key, label = str(pair.get("key", "") or "").strip(), str(pair.get("label", "") or "").strip()
        if not key or len(key) > LONGEST_KEY or not all(sign.isalnum() or sign in "_-" for sign in key):
            faults[f"codes.{index}.key"] = [_("A short key of letters, numbers, - and _.")]
        elif key in found:
            faults[f"codes.{index}.key"] = [_("This key is there already.")]
        elif not label or len(label) > LONGEST_LABEL:
            faults[f"codes.{index}.label"] = [_("Enter a name.")]
        else:
            found[key] = label
    return tuple(found.items())


def after_days(hours: BusinessCalendar | None, start: dt.datetime, days: int) -> dt.datetime:
    """The instant ``days`` working days after ``start``: that many days on which ``hours`` are open have begun after
    it, at the time of day of ``start``, or when it opens then or next. Every day counts without ``hours``.

    Raises ValueError when the calendar is never open.
    """
    if hours is None or hours is ALWAYS:
        return start + dt.timedelta(days=days)
    zone = hours.as_zone()
    local = start.astimezone(zone)
    day, left = local.date(), days
    for _day in range(3660):
        if left == 0:
            break
        day += dt.timedelta(days=1)
        left -= hours.is_open_on(day)
    else:
        raise ValueError("the calendar has no open days")
    moment = dt.datetime.combine(day, local.time().replace(fold=0), zone).astimezone(dt.UTC)
    opens = next((opens for opens, closes in hours.openings(moment, 1)), moment)
    return max(moment, opens)
