"""A dry run goes the way a run would go, and asks nobody."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boss.core.calendars import BusinessCalendar
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.samples import sample
from boss.core.schema import TYPES, Characteristic, validate
from tests.workflow.workshop import Fail, chain, shop, task
from workflow import checks, simulation
from workflow.errors import DefinitionRefused
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs
from workflow.simulation import Answer
from workflow.surroundings import Surroundings

MONDAY = dt.datetime(2026, 11, 30, 9, tzinfo=dt.UTC)
OFFICE = BusinessCalendar("UTC", {day: [(dt.time(9), dt.time(17))] for day in range(5)})
HOUR = 3600

CHILD = {
    "key": "child",
    "title": "Child",
    "inputs": [{"key": "number", "type": "integer", "required": True}],
    "results": {"n": {"var": "inputs.number"}},
    "tasks": [
        task("first", target_seconds=10),
        {"key": "call", "title": "Call", "kind": "manual", "pool": "crew", "undo": "none", "after": ["first"],
         "target_seconds": 50},
    ],
}  # fmt: skip
AROUND = Surroundings(pools={"crew": "Crew"}, calendars={"office": OFFICE}, documents={"child": CHILD})

SIGN_UP = [
    task("check", handler="tests.check", target_seconds=5),
    task("card", "check", target_seconds=2, when={"==": [{"var": "inputs.payment"}, "card"]}),
    task("cash", "check", target_seconds=60, when={"==": [{"var": "inputs.payment"}, "cash"]}),
    {"key": "survey", "title": "Survey", "kind": "manual", "pool": "crew", "undo": "manual", "after": ["check"],
     "target_seconds": 1000, "outputs": [{"key": "ok", "type": "boolean", "required": True}], "skippable": True},
    task("build", "card", "cash", "survey", target_seconds=30, when={"!=": [{"var": "tasks.survey.ok"}, False]}),
    task("mail", "build", handler="tests.stubborn", target_seconds=1, point_of_no_return=True, follow_up="Call."),
]  # fmt: skip
PAYMENT = {"key": "payment", "type": "choice", "choices": ["card", "cash"], "required": True}


def play(tasks: list[dict[str, Any]], inputs: dict[str, Any] | None = None, **how: Any) -> simulation.Simulation:
    document = {"key": "x", "title": "X", "inputs": how.pop("declared", [PAYMENT]), "tasks": tasks}
    answers = {key: Answer(**answer) for key, answer in how.pop("answers", {}).items()}
    return simulation.simulate(
        document, inputs=inputs or {}, answers=answers, around=AROUND, starts=how.pop("starts", MONDAY), **how
    )


def states(played: simulation.Simulation) -> dict[str, str]:
    return {step.key: step.state for step in played.path}


def ends(played: simulation.Simulation) -> dict[str, float | None]:
    return {step.key: step.ends_at for step in played.path}


def test_it_goes_by_the_conditions_and_adds_up_the_longest_way():
    played = play(SIGN_UP, {"payment": "cash"})
    assert states(played) == {
        "check": "done", "card": "skipped", "cash": "done", "survey": "done", "build": "done", "mail": "done",
    }  # fmt: skip
    assert ends(played) == {"check": 5, "card": 5, "cash": 65, "survey": 1005, "build": 1035, "mail": 1036}
    assert played.completes and played.lead_seconds == 1036
    assert played.work == (simulation.PoolWork("crew", 1, 1000),)


def test_what_is_not_given_is_a_plausible_sample():
    played = play(SIGN_UP)
    assert played.inputs == {"payment": "card"}
    assert states(played)["card"] == "done"


def test_an_answer_says_otherwise():
    refused = play(SIGN_UP, answers={"survey": {"outputs": {"ok": False}}})
    assert states(refused)["build"] == states(refused)["mail"] == "skipped"
    assert next(step.why for step in refused.path if step.key == "mail") == "Nothing that leads to it was done."
    skipped = play(SIGN_UP, answers={"survey": {"outcome": "skipped"}})
    assert states(skipped)["survey"] == "skipped" and skipped.lead_seconds == 5 + 2 + 30 + 1


def test_what_fails_holds_up_what_comes_after_it_once_its_attempts_are_used_up():
    retry = {"attempts": 3, "backoff_seconds": 10, "backoff_factor": 2}
    played = play([task("a", target_seconds=4, retry=retry, pool="noc"), *chain("b"), task("c", "a")],
                  answers={"a": {"outcome": "fails"}})  # fmt: skip
    assert states(played) == {"a": "attention", "b": "done", "c": "waiting"}
    assert ends(played)["a"] == 3 * 4 + 10 + 20
    assert not played.completes and played.work == (simulation.PoolWork("noc", 1, 0),)


def test_past_durations_come_before_targets():
    assert play(SIGN_UP, {"payment": "card"}, durations={"survey": 7, "mail": 0.5}).lead_seconds == 5 + 7 + 30 + 0.5


def test_open_hours_are_counted_where_a_calendar_is_named():
    late = dt.datetime(2026, 11, 27, 16, tzinfo=dt.UTC)  # Friday, an hour before the office closes
    visit = {"key": "v", "title": "V", "kind": "manual", "pool": "crew", "undo": "none", "calendar": "office"}
    assert play([{**visit, "target_seconds": 2 * HOUR}], starts=late).lead_seconds == (8 + 2 * 24 + 8 + 2) * HOUR


WAIT = {"key": "w", "title": "W", "kind": "wait", "signal": "paid", "deadline_seconds": 100}


@pytest.mark.parametrize(
    ("wait", "answer", "state", "at"),
    [
        (WAIT, {}, "done", 0),
        (WAIT | {"target_seconds": 30}, {"signal": True}, "done", 30),
        (WAIT, {"signal": False}, "attention", 100),
        (WAIT | {"on_deadline": "done"}, {"signal": False}, "done", 100),
        ({**WAIT, "until": 60, "deadline_seconds": None}, {}, "done", 60),
        ({**WAIT, "until": 60, "deadline_seconds": None}, {"signal": True}, "done", 0),
        ({**WAIT, "until": "2026-11-30T10:00:00Z", "deadline_seconds": None}, {}, "done", HOUR),
        ({**WAIT, "until": "2026-11-01", "deadline_seconds": None}, {}, "done", 0),
    ],
)
def test_a_wait_ends_by_its_signal_or_its_time(wait, answer, state, at):
    played = play([wait, task("z", "w")], answers={"w": answer})
    assert (played.path[0].state, played.path[0].ends_at) == (state, at)


def part(kind: str, **rest: Any) -> dict[str, Any]:
    return {
        "key": "p", "title": "P", "kind": kind, "definition": "child", "with": {"number": 3}, **rest,
    }  # fmt: skip


def test_another_workflow_is_played_inside_and_gives_its_results():
    played = play([part("subflow"), task("z", "p", when={"==": [{"var": "tasks.p.n"}, 3]})])
    assert states(played) == {"p": "done", "z": "done"} and ends(played)["p"] == 60
    assert played.work == (simulation.PoolWork("crew", 1, 50),)
    held = play([part("subflow"), task("z", "p")], answers={"p.call": {"outcome": "fails"}})
    assert states(held) == {"p": "waiting", "z": "waiting"}
    assert "Call" in held.path[0].why


@pytest.mark.parametrize(("at_once", "lead"), [(None, 60), (1, 300), (2, 180), (9, 60)])
def test_one_run_for_each_item_and_not_too_many_at_once(at_once, lead):
    each = part("each", over=[1, 2, 3, 4, 5], at_once=at_once, **{"with": {"number": {"var": "item"}}})
    played = play([each, task("z", "p", when={"==": [{"var": "tasks.p.count"}, 5]})])
    assert ends(played)["p"] == lead and states(played)["z"] == "done"
    assert played.work == (simulation.PoolWork("crew", 5, 250),)


def test_items_a_run_cannot_start_with_are_given_to_people():
    each = part("each", over={"var": "inputs.units"}, **{"with": {"number": {"var": "item"}}})
    declared = [{"key": "units", "type": "list"}]
    assert states(play([each], {"units": [1, "two"]}, declared=declared)) == {"p": "attention"}
    stuck = play([each], {"units": [1, 2, 3]}, declared=declared, answers={"p.first": {"outcome": "fails"}})
    assert states(stuck) == {"p": "waiting"}


def test_a_condition_that_cannot_be_evaluated_finds_people_as_in_a_run():
    declared = [{"key": "x", "type": "object"}]
    played = play([task("a", when={"<": [{"var": "inputs.x.n"}, 3]})], {"x": {"n": "three"}}, declared=declared)
    assert states(played) == {"a": "attention"} and "cannot compare" in played.path[0].why


@pytest.mark.parametrize(
    ("how", "field"),
    [
        ({"inputs": {"payment": "shells"}}, "inputs.payment"),
        ({"answers": {"ghost": {}}}, "answers.ghost"),
        ({"answers": {"check.inner": {}}}, "answers.check.inner"),
        ({"answers": {"check": {"outcome": "skipped"}}}, "answers.check.outcome"),
        ({"answers": {"survey": {"outputs": {"ok": "perhaps"}}}}, "answers.survey.outputs.ok"),
        ({"answers": {"survey": {"outputs": {"ghost": 1}}}}, "answers.survey.outputs.ghost"),
        ({"reverse_at": "ghost"}, "reverse_at"),
    ],
)
def test_what_makes_no_sense_is_named(how, field):
    with pytest.raises(InvalidInput) as refused:
        play(SIGN_UP, **how)
    assert list(refused.value.fields) == [field]


def test_what_is_too_large_to_be_played_is_refused():
    each = part("each", over=[1] * 1000)
    with pytest.raises(InvalidInput):
        play([{**each, "key": f"p{number}"} for number in range(11)])


def grown(chance: Random) -> list[dict[str, Any]]:
    """Tasks of every kind, in a random graph, with conditions on what came before."""
    tasks: list[dict[str, Any]] = []
    for number in range(chance.randrange(1, 9)):
        key, earlier = f"t{number}", [spec["key"] for spec in tasks]
        spec: dict[str, Any] = chance.choice([
            task(key, handler=chance.choice(["tests.remote", "tests.local", "tests.check"])),
            {"kind": "manual", "pool": "crew", "undo": "manual", "outputs": [{"key": "ok", "type": "boolean"}]},
            {"kind": "wait", "signal": "go", "deadline_seconds": 50, "on_deadline": chance.choice(["fail", "done"])},
            {"kind": "wait", "until": chance.choice([0, 30, "2026-12-01"])},
            part("subflow"), part("each", over=[1] * chance.randrange(4), at_once=chance.choice([None, 1, 2])),
        ])  # fmt: skip
        after = chance.sample(earlier, min(len(earlier), chance.randrange(3)))
        when = None
        if chance.random() < 0.4:
            when = chance.choice([
                {"==": [{"var": "inputs.payment"}, "card"]}, {"==": [{"var": "inputs.payment"}, "cash"]},
                *({"!=": [{"var": f"tasks.{key}.skipped"}, True]} for key in after),
            ])  # fmt: skip
        tasks.append({
            **spec, "key": key, "title": key, "after": after, "when": when, "target_seconds": chance.randrange(99),
            "skippable": True,
        })  # fmt: skip
    return tasks


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_can_be_read_can_be_played_and_its_times_are_in_order(chance):
    tasks = grown(chance)
    document = {"key": "x", "title": "X", "inputs": [PAYMENT], "tasks": tasks}
    never = {place.split(".")[1] for place in checks.faults(document, AROUND)}
    answers = {spec["key"]: {"outcome": chance.choice(["done", "done", "fails", "skipped"])} for spec in tasks}
    played = play(tasks, {"payment": chance.choice(["card", "cash"])}, answers=answers, reverse_at=tasks[-1]["key"])
    seen = {step.key: step for step in played.path}
    assert set(seen) == {spec["key"] for spec in tasks} == {step.key for step in played.reversal}
    for spec in tasks:
        step = seen[spec["key"]]
        before = [seen[key] for key in spec["after"]]
        held = any(one.state in ("attention", "waiting") for one in before)
        assert (step.starts_at is None) is held
        if not held:
            assert step.starts_at == max((one.ends_at or 0 for one in before), default=0)
            assert step.ends_at is None or step.starts_at <= step.ends_at <= played.lead_seconds
        if step.state == "done":
            assert spec["key"] not in never, "a task that can never be taken was done"
            assert not before or any(one.state == "done" for one in before)


def how(played: simulation.Simulation) -> dict[str, str]:
    return {step.key: step.how for step in played.reversal}


def test_a_reversal_at_a_point_undoes_what_was_done_by_then():
    assert play(SIGN_UP).reversal == ()
    early = play(SIGN_UP, {"payment": "card"}, reverse_at="card")
    assert how(early) == {
        "check": "nothing", "card": "undone", "cash": "nothing", "survey": "stopped", "build": "stopped",
        "mail": "stopped",
    }  # fmt: skip
    assert [step.key for step in early.reversal] == ["mail", "build", "survey", "cash", "card", "check"]
    late = play(SIGN_UP, {"payment": "cash"}, reverse_at="mail")
    assert how(late) | {} == {
        "check": "nothing", "card": "nothing", "cash": "undone", "survey": "people", "build": "undone", "mail": "kept",
    }  # fmt: skip
    assert late.reversal[0].follow_up == "Call."


def test_a_reversal_where_it_came_to_a_halt_undoes_what_attempts_may_have_left():
    played = play([*chain("a"), task("b", "a"), task("c", "b")], answers={"b": {"outcome": "fails"}}, reverse_at="b")
    assert how(played) == {"a": "undone", "b": "undone", "c": "stopped"}
    tasks = [*chain("a"), task("b", "a", handler="tests.local"), task("c", "b")]
    assert how(play(tasks, answers={"b": {"outcome": "fails"}}, reverse_at="c"))["b"] == "stopped"


@pytest.mark.parametrize("broken", ["check", "card", "build", "mail", ""])
def test_it_foretells_what_a_run_does_and_what_its_reversal_would_undo(begin, go, pool, bob, broken):
    """The same answers to the simulation and to the engine: the same states, and the same plan."""
    tasks = [spec for spec in SIGN_UP if spec["key"] != "survey"]
    tasks = [
        {**spec, "after": [key for key in spec["after"] if key != "survey"], "retry": {"attempts": 1}} for spec in tasks
    ]
    tasks = [{key: value for key, value in spec.items() if key != "when" or spec["key"] != "build"} for spec in tasks]
    if broken:
        shop.plans[broken] = [Fail("no")]
    run = begin(tasks, inputs={"payment": "card"})
    go()
    played = play(
        tasks, {"payment": "card"}, declared=[{"key": "payment", "type": "text"}],
        answers={broken: {"outcome": "fails"}} if broken else {}, reverse_at=broken or "mail",
    )  # fmt: skip
    same = {"waiting": "pending"}
    assert {key: same.get(state, state) for key, state in states(played).items()} == {
        row.key: row.state for row in TaskRun.objects.filter(run=run)
    }
    assert played.completes is (Run.objects.get(pk=run.pk).state == "completed")
    assert list(played.reversal) == list(runs.preview_reversal(actor=bob, run=run).steps)


@pytest.mark.parametrize(
    "item",
    [
        *(Characteristic("x", kind) for kind in TYPES if "choice" not in kind),
        *(Characteristic("x", kind, choices=(("a", "A"),)) for kind in ("choice", "multi_choice", "tree_choice")),
        Characteristic("x", "integer", minimum=5, maximum=9), Characteristic("x", "integer", maximum=-3),
        Characteristic("x", "decimal", minimum=-40, maximum=0.5), Characteristic("x", max_length=3),
        Characteristic("x", default="mine"),
    ],
    ids=lambda item: f"{item.type} {item.minimum} {item.maximum}",
)  # fmt: skip
def test_a_sample_is_a_value_its_characteristic_takes(item):
    assert validate([item], {"x": sample(item)})["x"] == sample(item)


def test_a_simulation_is_for_those_who_may_see_definitions_and_of_sound_documents(alpha, bob, visitor):
    document = {"key": "x", "title": "X", "tasks": chain("a")}
    assert definitions.simulate(actor=bob, document=document).completes
    with pytest.raises(PermissionDenied):
        definitions.simulate(actor=visitor, document=document)
    with pytest.raises(DefinitionRefused):
        definitions.simulate(actor=bob, document={**document, "tasks": chain("a", handler="no.such")})
    assert not Run.objects.exists()
