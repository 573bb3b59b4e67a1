"""A choice in plain words: why she got it, and why the others did not."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ticketing.assignment.choosing import skill
from ticketing.assignment.kinds import Because, PresenceState, Stage, Strategy
from ticketing.assignment.values import Choice, Passed, Refusal, Wanted

MOST_NAMED = 12
"""So many of those passed over are named; of the others their number."""


def reason(choice: Choice, ticket: Wanted) -> str:
    """Why the chosen one was chosen."""
    member = choice.member
    if member is None:
        return _("Nobody fits.")
    told = {"load": member.load, "capacity": member.capacity, "skill": skill(member, ticket)}
    if choice.strategy == Strategy.ROUND_ROBIN:
        found = _("In turn: whose last one is longest ago.")
    elif choice.strategy == Strategy.LONGEST_IDLE:
        found = _("Has waited longest for work.")
    elif choice.strategy == Strategy.BEST_SKILL and ticket.needs:
        found = _("Best in what it asks for (%(skill)s points).") % told
    elif choice.strategy == Strategy.STICKY:
        found = _("Had the customer's last ticket.")
    elif choice.strategy == Strategy.ON_CALL:
        found = _("Is on call.")
    else:
        found = _("Has most room (%(load)s of %(capacity)s).") % told
    if choice.stage:
        found += " " + _("Loosened: %(what)s.") % {"what": Stage(choice.stage).label.lower()}
    return found


def passed_over(choice: Choice, skills: Mapping[str, str]) -> list[str]:
    """One line for each who did not get it; ``skills`` are their names by key."""
    lines = [_line(each, skills) for each in choice.passed[:MOST_NAMED]]
    more = len(choice.passed) - len(lines)
    if more > 0:
        lines.append(ngettext("%(n)d more", "%(n)d more", more) % {"n": more})
    return lines


def _line(passed: Passed, skills: Mapping[str, str]) -> str:
    return f"{passed.member.name}: {refusal_words(passed.refusal, skills)}"


def refusal_words(refusal: Refusal, skills: Mapping[str, str]) -> str:
    """Such as: has no room (8 of 8)."""
    words = Because(refusal.because).label
    if refusal.because == Because.SKILL:
        name = skills.get(refusal.about, refusal.about)
        if not refusal.has:
            return _("lacks %(skill)s %(needs)s") % {"skill": name, "needs": refusal.needs}
        return _("has %(skill)s %(has)s, %(needs)s is needed") % {
            "skill": name, "has": refusal.has, "needs": refusal.needs,
        }  # fmt: skip
    if refusal.because == Because.LANGUAGE:
        return _("does not speak %(language)s") % {"language": refusal.about}
    if refusal.because == Because.PRESENCE:
        return _("is %(state)s") % {"state": PresenceState(refusal.about).label.lower()}
    if refusal.because == Because.FULL:
        return _("has no room (%(has)s of %(needs)s)") % {"has": refusal.has, "needs": refusal.needs}
    return str(words)
