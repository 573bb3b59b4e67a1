"""Random graphs with random failures, crashes, duplicates, people and reversals, against a simple model in memory.

The real engine in Postgres is driven step by step, in random order. Whatever happens on the way, the end must be one
of two, and what was done outside must be exactly what the model says.
"""

from __future__ import annotations

import contextlib
import os
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from boss.core import scoping
from boss.core.actors import Actor
from tests.workflow.driving import drive
from tests.workflow.workshop import Busy, Fail, Refused, Retry, shop, task
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.selectors import outcomes_of
from ticketing.services import tickets
from workflow.choices import FORWARD_END, REVERSE_END
from workflow.contracts import Wait
from workflow.engine import claims, ledger, loop
from workflow.models import Run, RunEvent, TaskRun
from workflow.services import definitions, runs


class Killed(BaseException):
    """The worker dies here: nothing in Python may catch it."""


HANDLERS = ("tests.remote", "tests.local", "tests.check", "tests.stubborn")
MISHAPS = ("error", "busy", "retry", "refused", "permanent", "killed before", "killed after", "answer lost", "waits")


@dataclass
class Plan:
    """One task of a random graph and all that is to go wrong with it."""

    key: str
    handler: str
    after: list[str]
    condition: str
    skippable: bool
    mishaps: list[str]
    undo_mishaps: list[str]

    def document(self) -> dict[str, Any]:
        rest: dict[str, Any] = {"skippable": self.skippable, "retry": {"attempts": 3}}
        if self.condition == "input":
            rest["when"] = {"var": f"inputs.{self.key}"}
        elif self.condition == "skipped" and self.after:
            rest["when"] = {"not": {"var": f"tasks.{self.after[0]}.skipped"}}
        if self.handler == "tests.stubborn":
            rest["point_of_no_return"] = True
        return task(self.key, *self.after, handler=self.handler, **rest)


@dataclass
class Story:
    plans: list[Plan]
    inputs: dict[str, bool]
    reverse_at: int | None
    seed: int
    by_hand: set[str] = field(default_factory=set)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    keys = [f"t{number}" for number in range(draw(st.integers(1, 7)))]
    plans = [
        Plan(
            key=key,
            handler=draw(st.sampled_from(HANDLERS)),
            after=sorted(draw(st.sets(st.sampled_from(keys[:index]), max_size=3))) if index else [],
            condition=draw(st.sampled_from(("", "", "input", "skipped"))),
            skippable=draw(st.booleans()),
            mishaps=draw(st.lists(st.sampled_from(MISHAPS), max_size=4)),
            undo_mishaps=draw(st.lists(st.sampled_from(MISHAPS), max_size=3)),
        )
        for index, key in enumerate(keys)
    ]
    inputs = {key: draw(st.booleans()) for key in keys}
    return Story(plans, inputs, draw(st.none() | st.integers(0, 25)), draw(st.integers(0, 2**31)))


def steps_of(mishaps: list[str], *, undo: bool, lasting: bool) -> list[Any]:
    def killed_after(context: Any) -> None:
        if lasting:
            _effect(context, undo)
        raise Killed

    def answer_lost(context: Any) -> None:
        if lasting:
            _effect(context, undo)
        raise TimeoutError("no answer")

    def killed(context: Any) -> None:
        raise Killed

    def waits(context: Any) -> Wait:
        _effect(context, undo)  # a wait commits what was done, also of a local handler
        return Wait(until=ledger.database_now(), note="for a while")

    table = {
        "error": ValueError("down"), "busy": Busy("busy"), "retry": Retry(error="again"), "refused": Refused("no"),
        "permanent": Fail("never"), "killed before": killed, "killed after": killed_after, "answer lost": answer_lost,
        "waits": waits,
    }  # fmt: skip
    return [table[name] for name in mishaps]


def _effect(context: Any, undo: bool) -> None:
    if undo:
        shop.effects.pop(context.forward_key, None)
    else:
        shop.effects[context.idempotency_key] = context.inputs


def expected_done(story: Story, skipped_by_hand: set[str]) -> set[str]:
    """The model: which tasks a completed run has done."""
    done: set[str] = set()
    for plan in story.plans:
        reached = not plan.after or any(key in done for key in plan.after)
        holds = {
            "input": story.inputs[plan.key],
            "skipped": not plan.after or plan.after[0] in done,
        }.get(plan.condition, True)
        if reached and holds and plan.key not in skipped_by_hand:
            done.add(plan.key)
    return done


class Driver:
    """Plays one story to its end."""

    def __init__(self, story: Story, realm_id: int) -> None:
        self.story, self.realm_id = story, realm_id
        self.dice = random.Random(story.seed)
        self.steps = 0
        self.skipped: set[str] = set()
        self.system = Actor.system(realm_id)

    def play(self) -> Run:
        shop.__init__()  # type: ignore[misc]
        for plan in self.story.plans:
            # What a local handler did goes away with its transaction: an answer lost is an effect lost.
            lasting = plan.handler != "tests.local"
            shop.plans[plan.key] = steps_of(plan.mishaps, undo=False, lasting=lasting)
            shop.undo_plans[plan.key] = steps_of(plan.undo_mishaps, undo=True, lasting=lasting)
        definitions.publish(actor=self.system, document=self.document())
        self.run = runs.start(actor=self.system, definition_key="random", inputs=self.story.inputs)
        while not self.fresh().is_closed:
            assert self.steps < 600, "the run does not end"
            moved = self.drive()
            if not moved and not self.people() and not self.fresh().is_closed:
                raise AssertionError("nothing is due, nobody is asked, and the run is open")
        return self.fresh()

    def document(self) -> dict[str, Any]:
        declared = [{"key": key, "type": "boolean"} for key in self.story.inputs]
        return {
            "key": "random", "title": "Random", "inputs": declared, "tasks": [p.document() for p in self.story.plans],
        }  # fmt: skip

    def fresh(self) -> Run:
        return Run.objects.get(pk=self.run.pk)

    def drive(self) -> int:
        try:
            return drive(self.realm_id, leases=True, chooser=self.dice, before_each=self.disturb, most=3)
        except Killed:
            return 1

    def disturb(self) -> None:
        self.steps += 1
        if self.steps % 3 == 0:
            self.check_counts()
        if self.steps == self.story.reverse_at and self.fresh().state == "running":
            runs.reverse(actor=self.system, run=self.run, reason="for the test")
        roll = self.dice.random()
        if roll < 0.15:
            loop_quietly(self.realm_id, self.any_task())  # a message too many, or one for another task
        elif roll < 0.22:
            claims.take(self.realm_id, self.any_task())  # a worker that dies at once

    def any_task(self) -> int:
        return self.dice.choice(list(TaskRun.objects.filter(run=self.run).values_list("pk", flat=True)))

    def people(self) -> bool:
        """Somebody resolves an open ticket in one of the ways it offers."""
        open_tickets = list(Ticket.objects.filter(state__in=OPEN_STATES).order_by("id"))
        if not open_tickets:
            return False
        ticket = self.dice.choice(open_tickets)
        offered = {outcome.key for outcome in outcomes_of(ticket)}
        choice = self.dice.choice(sorted(offered - {"undo"}))
        if self.dice.random() < 0.1 and "undo" in offered:
            choice = "undo"
        key = TaskRun.objects.get(pk=ticket.subject_id).key
        values = {"reason": "cannot be done"} if choice == "undo" else {}
        tickets.resolve(actor=self.system, ticket=ticket, outcome=choice, values=values, confirmed=True)
        if choice == "skip":
            self.skipped.add(key)
        if choice == "done":
            self.by_hand(key)
        return True

    def by_hand(self, key: str) -> None:
        """What a person does outside when he completes a task or an undo himself."""
        task_run = TaskRun.objects.get(run=self.run, key=key)
        name = f"wf-{self.realm_id}-{self.run.public_id}-{key}"
        if task_run.state == "undone":
            shop.effects.pop(name, None)
        else:
            shop.effects[name] = {}

    def check_counts(self) -> None:
        """The counters in the rows always agree with the graph."""
        run = self.fresh()
        rows = {row.key: row for row in TaskRun.objects.filter(run=run)}
        if run.state == "running":
            assert run.open_tasks == sum(row.state not in FORWARD_END for row in rows.values())
            for plan in self.story.plans:
                row = rows[plan.key]
                undecided = sum(rows[key].state not in FORWARD_END for key in plan.after)
                assert (row.undecided, row.taken - (not plan.after)) == (
                    undecided,
                    sum(rows[key].state == "done" for key in plan.after),
                )
                if row.state not in ("pending", "skipped"):
                    assert undecided == 0


def loop_quietly(realm_id: int, task_id: int) -> None:
    with contextlib.suppress(Killed):
        loop.advance(realm_id, task_id)


# No shrinking by default: a story is readable as it is, and minutes of shrinking would look like a hanging suite.
@settings(
    max_examples=int(os.environ.get("BOSS_RANDOM_RUNS", "75")),
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(story=stories())
def test_every_run_ends_completed_or_reversed_with_exactly_its_effects(alpha, story):
    with scoping.enter(scoping.Scope(alpha.pk, "test")):
        driver = Driver(story, alpha.pk)
        run = driver.play()
        rows = {row.key: row for row in TaskRun.objects.filter(run=run)}
        handlers = {plan.key: plan.handler for plan in story.plans}
        assert run.open_tasks == 0
        assert not Ticket.objects.filter(state__in=OPEN_STATES).exists()
        present = {name.rsplit("-", 1)[1] for name in shop.effects}
        if run.state == "completed":
            done = {key for key, row in rows.items() if row.state == "done"}
            assert done == expected_done(story, driver.skipped)
            assert {row.state for row in rows.values()} <= set(FORWARD_END)
            # A task given up by a person after its answer was lost may have left its effect: that person's choice.
            assert done <= present <= done | driver.skipped
        else:
            assert {row.state for row in rows.values()} <= set(REVERSE_END)
            undoable = {key for key in present if handlers[key] in ("tests.remote", "tests.local")}
            assert undoable == set()
        check_record(run, story)


def check_record(run: Run, story: Story) -> None:
    """The events: gapless, every completion once, and in the order of the graph, forward and back."""
    events = list(RunEvent.objects.filter(run=run).select_related("task").order_by("sequence"))
    assert [event.sequence for event in events] == list(range(1, run.sequence + 1))
    finished: dict[str, int] = {}
    undone: dict[str, int] = {}
    for event in events:
        if event.kind in ("task.done", "task.by_hand", "task.skipped"):
            assert event.task.key not in finished, "decided twice"
            finished[event.task.key] = event.sequence
        if event.kind in ("task.undone", "task.undone_by_hand", "task.kept", "task.nothing_to_undo"):
            assert event.task.key not in undone, "undone twice"
            undone[event.task.key] = event.sequence
    for plan in story.plans:
        for before in plan.after:
            if plan.key in finished and before in finished:
                assert finished[before] < finished[plan.key]
            if plan.key in undone and before in undone:
                assert undone[plan.key] < undone[before]
