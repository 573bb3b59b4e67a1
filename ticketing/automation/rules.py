"""What an automation policy says: rules in order, each an event, a condition and steps. All that fit are taken.

The steps are those of macros (``ticketing.registry.macro_steps``); the condition is an expression of
:mod:`boss.core.expressions` on the names of ``NAMES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core import expression_types
from boss.core.expression_types import BOOLEAN, TEXT, UNKNOWN, WHOLE, Type, record
from boss.core.problems import InvalidInput
from ticketing.automation.kinds import ActedBy, RuleEvent
from ticketing.choices import TicketState

DEEPEST = 3
"""A rule, one that it sets off, and one that this sets off: there it ends."""
MOST_ACTIONS = 20
"""Steps of rules on one ticket in a minute. The one too many stops rules there until a person lets them act again."""
MOST_RULES = 30
LONGEST_NAME = 80

_STATES = frozenset(TicketState.values)
NAMES: Type = record(
    {
        "event": record({"by": Type("text", values=frozenset(ActedBy.values)), "verified": BOOLEAN}),
        "ticket": record(
            {
                "priority": WHOLE,
                "state": Type("text", values=_STATES),
                "status": TEXT,
                "category": TEXT,
                "pool": TEXT.or_null(),
                "title": TEXT,
                "assigned": BOOLEAN,
                "business": BOOLEAN,
            }
        ),
        "before": record({"priority": WHOLE.or_null(), "state": Type("text", True, _STATES), "status": TEXT.or_null()}),
        "fields": UNKNOWN,
    }
)
"""``before``: what an event has changed, null for what it left alone. ``fields``: the category's own, which differ, so
that a condition on them that does not fit is told when the rule is looked at. ``event.verified``: not by a mail whose
sender nobody could verify."""

Step = Mapping[str, str]
ReadSteps = Callable[[Sequence[Mapping[str, Any]]], list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``when`` None: always. ``is_off``: kept, and not looked at."""

    name: str
    event: str
    when: Any
    steps: tuple[Step, ...]
    is_off: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name, "event": self.event, "when": self.when,
            "steps": [dict(step) for step in self.steps], "off": self.is_off,
        }  # fmt: skip


def read(told: Mapping[str, Any]) -> tuple[Rule, ...]:
    """The rules of a version that was published: it was judged then."""
    return tuple(
        Rule(one["name"], one["event"], one["when"], tuple(one["steps"]), bool(one.get("off")))
        for one in told.get("rules", [])
    )


def judge(told: Mapping[str, Any], read_steps: ReadSteps) -> dict[str, Any]:
    """Rules as they are kept. Raises :class:`InvalidInput` with fields like ``rules.0.when``; ``read_steps`` judges the
    steps of one rule, its fields are ``steps.<n>.<member>`` with steps counted from one."""
    given = told.get("rules")
    rules = given if isinstance(given, list) else []
    faults: dict[str, list[str]] = {}
    if not rules:
        faults["rules"] = [_("Give at least one rule.")]
    if len(rules) > MOST_RULES:
        faults["rules"] = [_("At most %(n)s rules.") % {"n": MOST_RULES}]
    kept = [_rule(one, f"rules.{index}", faults, read_steps) for index, one in enumerate(rules[:MOST_RULES])]
    names = [rule.name.lower() for rule in kept]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            faults.setdefault(f"rules.{index}.name", [_("Another rule has this name.")])
    if faults:
        raise InvalidInput(fields=faults)
    return {"rules": [rule.to_json() for rule in kept]}


def _rule(told: Any, at: str, faults: dict[str, list[str]], read_steps: ReadSteps) -> Rule:
    rule: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    name = " ".join(str(rule.get("name") or "").split())
    if not name or len(name) > LONGEST_NAME:
        faults[f"{at}.name"] = [_("Please give it a name of at most %(n)s characters.") % {"n": LONGEST_NAME}]
    event = str(rule.get("event") or "")
    if event not in RuleEvent.values:
        faults[f"{at}.event"] = [_("Choose what sets it off.")]
    when = rule.get("when")
    if when is not None and (problems := expression_types.condition_problems(when, NAMES)):
        faults[f"{at}.when"] = problems
    told_steps = rule.get("steps")
    steps: list[dict[str, str]] = []
    try:
        steps = read_steps([one if isinstance(one, Mapping) else {} for one in told_steps or []])
    except InvalidInput as refusal:
        faults |= {f"{at}.{place}": texts for place, texts in refusal.fields.items()}
    return Rule(name, event, when, tuple(steps), bool(rule.get("off")))
