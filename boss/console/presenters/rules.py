"""Automation rules and what they have done, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.console.forms.rules import names
from boss.console.presenters import conditions
from boss.core.actors import Actor
from boss.look.marks import Mark
from ticketing.automation import rules
from ticketing.automation.kinds import RuleEvent, RuleResult
from ticketing.models import RuleRun
from ticketing.services import macros

_MARKS = {
    RuleResult.DONE: Mark("", "circle-check", "ok"),
    RuleResult.NOT_MET: Mark("", "circle-minus", "idle"),
    RuleResult.REFUSED: Mark("", "ban", "bad"),
    RuleResult.TOO_DEEP: Mark("", "hand-stop", "wait"),
    RuleResult.STOPPED: Mark("", "hand-stop", "bad"),
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule of a policy in the order in which they are looked at, counted from one."""

    number: int
    name: str
    event: str
    when: str
    steps: str
    is_off: bool


def lines(actor: Actor, told: Mapping[str, Any] | None) -> list[RuleLine]:
    words, labels = macros.Words(actor), {name: str(label) for name, label in names().items()}
    return [
        RuleLine(
            number, rule.name, str(RuleEvent(rule.event).label),
            conditions.in_words(rule.when, labels) or str(_("always")),
            " · ".join(words.step(step).words for step in rule.steps), rule.is_off,
        )
        for number, rule in enumerate(rules.read(told or {}), start=1)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunLine:
    run: RuleRun
    mark: Mark
    seen: str


def run_lines(runs: Iterable[RuleRun]) -> list[RunLine]:
    found = []
    for run in runs:
        mark = _MARKS[RuleResult(run.result)]
        word = Mark(str(RuleResult(run.result).label), mark.icon, mark.tone)
        seen = ", ".join(f"{name}: {'–' if value is None else value}" for name, value in run.looked_at.items())
        found.append(RunLine(run, word, seen))
    return found
