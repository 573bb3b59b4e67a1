"""What a change of an order or a subscription changes, line by line, before it is confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from boss.console.presenters.words import label, plain
from boss.look.templatetags.look import money
from catalog.models import PlanVersion
from subscribers.terms import Change

_NOTHING = "—"


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """One thing that differs, in words."""

    what: str
    before: str
    after: str


def lines(change: Change, *versions: PlanVersion) -> list[ChangeLine]:
    """What differs. ``versions`` are the plan versions on both sides, which know their options by title."""
    before, after = change.before, change.after
    found = []
    if before.plan != after.plan:
        found.append(ChangeLine(_("Plan"), before.plan, after.plan))
    titles = {option.key: option.title for version in versions for option in version.options.all()}
    was_chosen, is_chosen = before.options, after.options
    for key in _keys(was_chosen, is_chosen):
        found += _line(titles.get(key, label(key)), _times(was_chosen.get(key)), _times(is_chosen.get(key)))
    was_set, is_set = before.features, after.features
    for key in _keys(was_set, is_set):
        found += _feature(was_set.get(key), is_set.get(key))
    prices = [(_("A month"), before.monthly, after.monthly), (_("Once"), before.once, after.once)]
    for what, was, will in prices:
        found += _line(what, money(was, before.currency), money(will, after.currency))
    return found


def _line(what: str, before: str, after: str) -> list[ChangeLine]:
    return [] if before == after else [ChangeLine(what, before, after)]


def _times(count: int | None) -> str:
    return _NOTHING if not count else _("Yes") if count == 1 else f"{count} ×"


def _feature(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[ChangeLine]:
    title = str((after or before or {}).get("title", ""))
    found = _line(title, _times(before["quantity"] if before else None), _times(after["quantity"] if after else None))
    had = before["characteristics"] if before else {}
    has = after["characteristics"] if after else {}
    for key in _keys(had, has) if before and after else sorted(has):
        found += _line(f"{title}: {label(key)}", plain(had.get(key)), plain(has.get(key)))
    return found


def _keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys([*before, *after]))


def typed(given: QueryDict, leave_out: Iterable[str] = ("csrfmiddlewaretoken", "confirmed")) -> list[tuple[str, str]]:
    """A form's values as they were sent, for sending them once more."""
    return [(name, value) for name, values in given.lists() if name not in leave_out for value in values]
