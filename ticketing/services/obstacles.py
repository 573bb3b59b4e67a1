"""What stands in the way of a ticket's end: by the closing rules of its category, and by what always does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from ticketing import links, policies, selectors
from ticketing.closing import ClosingRules
from ticketing.errors import ClosingHeld
from ticketing.models import ChecklistItem, Ticket, Timer


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing, by what kind it is ("children", "timers", "field", "code", "points", "outcome"), in a sentence."""

    key: str
    text: str


def of(ticket: Ticket, rules: ClosingRules | None = None) -> list[Obstacle]:
    """Everything that has to be done before an open ticket can end, by the rules that hold or by those given."""
    if not ticket.is_open:
        return []
    rules = policies.closing_of(ticket.category_id) if rules is None else rules
    found = []
    if selectors.outcomes_of(ticket):
        found.append(Obstacle("outcome", _("The work it is about wants one of its outcomes chosen.")))
    points = ChecklistItem.objects.filter(ticket=ticket, is_required=True, done_at=None).order_by("position")
    texts = list(points.values_list("text", flat=True))
    if texts:
        found.append(Obstacle("points", _("To be done first: %(points)s.") % {"points": "; ".join(texts)}))
    labels = selectors.known(ticket.category).fields
    for key in missing(ticket, rules):
        label = labels[key].title if key in labels else key
        found.append(Obstacle("field", _("To be filled in: %(field)s.") % {"field": label}))
    if rules.needs_code and not ticket.resolution_code:
        found.append(Obstacle("code", _("A resolution code has to be chosen.")))
    return found + _running(ticket, rules)


def missing(ticket: Ticket, rules: ClosingRules) -> list[str]:
    """Keys of the fields the rules want filled in that are empty."""
    return [key for key in rules.fields if ticket.data.get(key) in (None, "", [])]


def refuse(ticket: Ticket, *, actor: Actor, code: str, given: Mapping[str, Any], children: str = "") -> None:
    """Refuse a person the end of a locked ticket while the rules of its category are not met; the code is set on it.

    The engine is not asked, as with fields (``entering``). Children that end with it stand in no way. Raises
    :class:`InvalidInput` with fields ``resolution_code`` and ``data.<key>``, and :class:`ClosingHeld`.
    """
    rules = policies.closing_of(ticket.category_id)
    faults: dict[str, list[str]] = {}
    if code:
        if code not in dict(rules.codes):
            faults["resolution_code"] = [_("There is no such code.")]
        ticket.resolution_code = code
    if actor.is_system and not faults:
        return
    if rules.needs_code and not ticket.resolution_code:
        faults["resolution_code"] = [_("Choose a code.")]
    for key in missing(ticket, rules):
        if given.get(key) in (None, "", []):
            faults[f"data.{key}"] = [_("Please fill this in.")]
    if faults:
        raise InvalidInput(fields=faults)
    held = [each for each in _running(ticket, rules) if each.key != "children" or children != "close"]
    if held:
        told = _("It cannot end yet. %(what)s") % {"what": " ".join(each.text for each in held)}
        raise ClosingHeld(told, obstacles=[each.text for each in held])


def _running(ticket: Ticket, rules: ClosingRules) -> list[Obstacle]:
    found = []
    if rules.no_children:
        numbers = list(links.open_children(ticket).values_list("number", flat=True)[:11])
        if numbers:
            is_more = len(numbers) > 10
            told = _("Children are open: %(numbers)s and more.") if is_more else _("Children are open: %(numbers)s.")
            found.append(Obstacle("children", told % {"numbers": ", ".join(numbers[:10])}))
    if rules.no_timers:
        timers = Timer.objects.filter(ticket=ticket).select_related("user").order_by("pk")
        names = [each.user.full_name for each in timers]
        if names:
            found.append(Obstacle("timers", _("A timer runs: %(names)s.") % {"names": ", ".join(names)}))
    return found
