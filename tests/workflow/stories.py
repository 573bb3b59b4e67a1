"""Random stories: a graph, all that is to go wrong with it, and a model in memory that knows how it must end.

A story is told by one ``random.Random``, so a number names it for ever. It is played in ``playing``.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tests.workflow.workshop import task

HANDLERS = ("tests.remote", "tests.remote", "tests.local", "tests.local", "tests.check", "tests.stubborn")
MISHAPS = (
    "error", "busy", "retry", "refused", "permanent", "killed before", "killed after", "answer lost", "waits",
    "overtaken", "turned round",
)  # fmt: skip
UNDO_MISHAPS = MISHAPS[:10]
UNDOABLE = ("tests.remote", "tests.local", "manual")
PARTS = ("subflow", "each")
WAITS = ("signal", "time")


@dataclass
class Plan:
    """One task of a random graph and all that is to go wrong with it."""

    key: str
    work: str  # a handler, or "manual", "signal", "time", "subflow", "each"
    after: list[str]
    condition: str
    skippable: bool
    on_deadline: str
    mishaps: list[str]
    undo_mishaps: list[str]
    return_point: bool = False
    number: str = ""  # what of the run's inputs its handler is given
    at_once: int = 0

    def document(self) -> dict[str, Any]:
        rest: dict[str, Any] = {"skippable": self.skippable, "return_point": self.return_point}
        if self.condition == "input":
            rest["when"] = {"var": f"inputs.{self.key}"}
        elif self.condition == "skipped" and self.after:
            rest["when"] = {"not": {"var": f"tasks.{self.after[0]}.skipped"}}
        if self.number:
            rest["with"] = {"number": {"var": self.number}}
        if self.work in PARTS:
            rest |= {"key": self.key, "title": self.key.title(), "after": self.after, "kind": self.work}
            rest |= {"definition": "part", **({"at_once": self.at_once} if self.at_once else {})}
            return rest if self.work == "subflow" else {**rest, "over": {"var": "inputs.units"}}
        rest["retry"] = {"attempts": 3}
        if self.work.startswith("tests."):
            if self.work == "tests.stubborn":
                rest["point_of_no_return"] = True
            return task(self.key, *self.after, handler=self.work, **rest)
        rest |= {"key": self.key, "title": self.key.title(), "after": self.after}
        if self.work == "manual":
            return {**rest, "kind": "manual", "pool": "crew", "undo": "manual"}
        rest["kind"] = "wait"
        if self.work == "time":
            return {**rest, "until": 3600}
        return {**rest, "signal": f"go-{self.key}", "deadline_seconds": 7200, "on_deadline": self.on_deadline}


@dataclass
class Story:
    """``number`` tells it again: ``BOSS_RANDOM_SEED=number``. ``changes`` says at which moves the run is sent back or
    amended; ``parts`` are the tasks of the runs within it."""

    number: int
    plans: list[Plan]
    parts: list[Plan]
    inputs: dict[str, Any]
    reverse_at: int | None
    changes: dict[int, str]
    dice: random.Random

    def documents(self) -> list[dict[str, Any]]:
        """What is published: the parts' definition, if there are any, before the one that names it."""
        types = {bool: "boolean", int: "integer", list: "list"}
        declared = [{"key": key, "type": types[type(value)]} for key, value in self.inputs.items()]
        tasks = [plan.document() for plan in self.plans]
        whole = {"key": "random", "title": "Random", "inputs": declared, "tasks": tasks}
        if not self.parts:
            return [whole]
        number = [{"key": "number", "type": "integer"}]
        tasks = [plan.document() for plan in self.parts]
        return [{"key": "part", "title": "Part", "inputs": number, "tasks": tasks}, whole]


def tell(dice: random.Random, number: int = 0) -> Story:
    """A story drawn from the dice. Most tasks go well: a mishap is worth more where the rest of the graph moves on.

    A third of the stories are changed under way, a tenth have runs within the run.
    """
    changed, parted = dice.random() < 0.33, dice.random() < 0.1
    keys = [f"t{index}" for index in range(dice.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8)))]
    if parted:
        keys = keys[:4]
    plans = [_task(dice, keys, index, source="inputs.n" if changed else "") for index in range(len(keys))]
    parts: list[Plan] = []
    if parted:
        whole = dice.choice(plans)
        whole.work = dice.choice(PARTS)
        whole.number, whole.at_once = ("item", dice.choice((0, 1))) if whole.work == "each" else ("inputs.n", 0)
        inner = [f"p{index}" for index in range(dice.choice((1, 1, 2, 3)))]
        parts = [_task(dice, inner, index, source="inputs.number", own=False) for index in range(len(inner))]
    for plan in plans + parts:
        plan.return_point = changed and dice.random() < 0.4
    reverse_at = dice.randrange(2, 30) if dice.random() < 0.35 else None
    moments = [dice.randrange(2, 25) for _ in range(dice.choice((1, 1, 2, 3)))] if changed else []
    changes = {moment: dice.choice(("back", "amended")) for moment in moments}
    return Story(number, plans, parts, other_inputs(dice, keys), reverse_at, changes, dice)


def other_inputs(dice: random.Random, keys: Collection[str]) -> dict[str, Any]:
    """Inputs of a run with these tasks."""
    conditions = {key: dice.random() < 0.7 for key in keys}
    return {**conditions, "n": dice.randrange(1, 4), "units": [dice.randrange(1, 4) for _ in range(dice.randrange(4))]}


def _task(dice: random.Random, keys: list[str], index: int, *, source: str, own: bool = True) -> Plan:
    other = dice.random()
    work = dice.choice(("manual", *WAITS)) if other < 0.12 else dice.choice(HANDLERS)
    before = [dice.choice(keys[:index]) for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))] if index else []
    return Plan(
        key=keys[index],
        work=work,
        after=sorted(set(before)),
        condition=dice.choice(("", "", "", "input", "skipped") if own else ("", "", "skipped")),
        skippable=dice.random() < 0.5,
        on_deadline=dice.choice(("done", "fail")),
        mishaps=_some(dice, MISHAPS, (0, 0, 0, 1, 1, 2, 4)),
        undo_mishaps=_some(dice, UNDO_MISHAPS, (0, 0, 0, 1, 2)),
        number=source if work.startswith("tests.") and dice.random() < 0.5 else "",
    )


def _some(dice: random.Random, names: tuple[str, ...], counts: tuple[int, ...]) -> list[str]:
    return [dice.choice(names) for _ in range(dice.choice(counts))]


def done_at_the_end(plans: list[Plan], inputs: Mapping[str, Any], skipped_by_hand: Collection[str]) -> set[str]:
    """The model: which tasks a completed run has done. A task is done when an edge to it was taken and its condition
    holds, whatever went wrong on the way; ``inputs`` are the last ones it was given."""
    done: set[str] = set()
    for plan in plans:
        reached = not plan.after or any(key in done for key in plan.after)
        holds = {
            "input": inputs.get(plan.key, True),
            "skipped": not plan.after or plan.after[0] in done,
        }.get(plan.condition, True)
        if reached and holds and plan.key not in skipped_by_hand:
            done.add(plan.key)
    return done


def behind(plans: list[Plan], key: str) -> set[str]:
    """The task and all that comes after it."""
    found = {key}
    for plan in plans:
        if found & set(plan.after):
            found.add(plan.key)
    return found
