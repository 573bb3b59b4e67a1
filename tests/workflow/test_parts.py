"""Runs within runs: a sub-workflow, and one for each item of a list."""

from __future__ import annotations

import pytest

from tests.workflow.workshop import Done, Fail, chain, shop, task
from ticketing.services import tickets
from workflow import journal, selectors
from workflow.errors import DefinitionRefused, PartsStillOpen, RunIsClosed
from workflow.models import Definition, Run, TaskRun
from workflow.services import definitions, runs, tasks


@pytest.fixture
def child(alpha, system):
    """A workflow of two tasks that takes a number and gives a receipt."""

    def publish(key="child", extra=(), **top):
        steps = [task("first", **{"with": {"number": {"var": "inputs.number"}}}), task("last", "first"), *extra]
        document = {
            "key": key, "title": "Child", "inputs": [{"key": "number", "type": "integer", "required": True}],
            "tasks": steps, "results": {"receipt": {"var": "tasks.first.receipt"}, "n": {"var": "tasks.first.number"}},
            **top,
        }  # fmt: skip
        return definitions.publish(actor=system, document=document)

    publish()
    return publish


def subflow(key, *after, number=5, definition="child", **rest):
    return {
        "key": key, "title": key.title(), "kind": "subflow", "definition": definition, "with": {"number": number},
        "after": list(after), **rest,
    }  # fmt: skip


def each(key, *after, over=(1, 2, 3), **rest):
    return {
        "key": key, "title": key.title(), "kind": "each", "definition": "child", "over": list(over),
        "with": {"number": {"var": "item"}}, "after": list(after), **rest,
    }  # fmt: skip


def parts(run):
    return list(Run.objects.filter(parent__run=run).order_by("index", "id"))


def state(run):
    return Run.objects.get(pk=run.pk).state


def test_a_sub_workflow_runs_as_a_run_of_its_own_and_gives_its_results(begin, go, states, child):
    run = begin([*chain("a"), subflow("sub", "a"), task("z", "sub", **{"with": {"number": {"var": "tasks.sub.n"}}})])
    go()
    assert states(run) == {"a": "done", "sub": "done", "z": "done"} and state(run) == "completed"
    (part,) = parts(run)
    assert part.state == "completed" and part.inputs == {"number": 5} and part.subject == run.subject
    assert shop.contexts["z"].inputs == {"number": 5}
    assert Run.objects.get(pk=run.pk).outputs["sub"] == {"receipt": "receipt of first", "n": 5}
    assert shop.closed == [(run.pk, "completed")], "only the end of the whole is told to its subject"
    assert [line.text for line in journal.journal(run) if "Sub" in line.text and not line.is_attempt]


def test_each_item_of_a_list_gets_a_run_and_no_more_are_open_at_a_time_than_it_says(begin, go, states, child):
    most = 0

    def count(context):
        nonlocal most
        most = max(most, Run.objects.filter(state="running", parent__isnull=False).count())
        return Done({"number": context.inputs["number"] * 10})

    shop.plans["first"] = [count] * 5
    run = begin([each("all", over=[1, 2, 3, 4, 5], at_once=2)])
    go()
    assert state(run) == "completed" and most == 2
    assert [p.inputs["number"] for p in parts(run)] == [1, 2, 3, 4, 5]
    outputs = Run.objects.get(pk=run.pk).outputs["all"]
    assert outputs["count"] == 5 and [item["n"] for item in outputs["items"]] == [10, 20, 30, 40, 50]


def test_a_list_of_nothing_is_done_at_once(begin, go, states, child):
    run = begin([each("all", over=[]), task("z", "all")])
    go()
    assert states(run) == {"all": "done", "z": "done"} and parts(run) == []
    assert Run.objects.get(pk=run.pk).outputs["all"] == {"items": [], "count": 0}


def test_what_is_no_list_goes_to_people(begin, go, states, child):
    run = begin([each("all") | {"over": {"var": "inputs.site.units"}}], inputs={"site": {"units": "three"}})
    go()
    assert states(run) == {"all": "attention"} and parts(run) == []
    assert "no list" in TaskRun.objects.get(run=run).error


def test_reversing_the_whole_reverses_complete_parts_as_well(begin, go, states, child, bob):
    shop.plans["z"] = [Fail("no")]
    run = begin([*chain("a"), each("all", "a"), task("z", "all")])
    go()
    assert states(run)["z"] == "attention" and len(shop.effects) == 7
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert state(run) == "reversed" and shop.effects == {}
    assert {part.state for part in parts(run)} == {"reversed"}
    undone = [key for verb, key, _n in shop.calls if verb == "undo"]
    assert undone[-1] == "a" and undone.count("first") == 3
    assert shop.closed == [(run.pk, "reversed")]


def test_reversing_the_whole_reverses_parts_under_way(begin, go, states, child, bob):
    shop.plans["last"] = [Fail("no")]
    run = begin([*chain("a"), each("all", "a")])
    go()
    assert states(run) == {"a": "done", "all": "waiting"}
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert state(run) == "reversed" and {part.state for part in parts(run)} == {"reversed"} and shop.effects == {}


def test_an_undo_of_a_part_that_fails_holds_the_whole_until_people_settle_it(begin, go, states, child, bob, alice):
    shop.plans["z"] = [Fail("no")]
    shop.undo_plans["first"] = [Fail("stuck")]
    run = begin([subflow("sub"), task("z", "sub")])
    go()
    runs.reverse(actor=bob, run=run, reason="no")
    go()
    assert state(run) == "reversing" and states(run)["sub"] == "undo_waiting"
    stuck = TaskRun.objects.get(run=parts(run)[0], key="first")
    assert stuck.state == "undo_attention"
    tickets.resolve(actor=alice, ticket=stuck.ticket, outcome="done", values={})
    go()
    assert state(run) == "reversed"


def test_a_part_reversed_by_itself_sends_the_task_to_people_who_may_have_it_started_again(
    begin, go, states, child, bob, alice
):
    shop.plans["last"] = [Fail("no")]
    run = begin([each("all", over=[7])])
    go()
    runs.reverse(actor=bob, run=parts(run)[0], reason="wrong unit")
    go()
    waiting = TaskRun.objects.get(run=run, key="all")
    assert waiting.state == "attention" and shop.effects == {}
    tickets.resolve(actor=alice, ticket=waiting.ticket, outcome="retry", values={})
    go()
    assert state(run) == "completed"
    assert [part.state for part in parts(run)] == ["reversed", "completed"]


def test_a_task_is_not_ended_by_hand_while_parts_of_it_are_open(begin, go, states, child, bob, alice):
    shop.plans["last"] = [Fail("no"), Fail("no")]
    run = begin([each("all", over=[1, 2], skippable=True)])
    go()
    runs.reverse(actor=bob, run=parts(run)[0], reason="wrong unit")
    go()
    waiting = TaskRun.objects.get(run=run, key="all")
    assert waiting.state == "attention"
    for act in (tasks.complete_by_hand, tasks.skip):
        with pytest.raises(PartsStillOpen):
            act(actor=alice, task=waiting)
    assert states(run) == {"all": "attention"}


def test_a_complete_part_cannot_be_reversed_alone(begin, go, child, bob):
    run = begin([subflow("sub"), {"key": "w", "title": "W", "kind": "wait", "signal": "go", "deadline_seconds": 9e6}])
    go(hurry=False)
    (part,) = parts(run)
    assert part.state == "completed"
    with pytest.raises(RunIsClosed):
        runs.reverse(actor=bob, run=part, reason="no")
    assert state(part) == "completed"


def test_a_message_or_a_fact_that_comes_twice_starts_nothing_twice(begin, go, states, child, alpha):
    from workflow.engine import parts as engine_parts
    from workflow.events import PartClosed

    run = begin([each("all", over=[1, 2], at_once=1), task("z", "all")])
    go()
    for part in parts(run):
        engine_parts.closed(PartClosed(run_id=part.pk, task_id=part.parent_id))
    assert state(run) == "completed" and len(parts(run)) == 2


def test_inputs_the_child_does_not_take_go_to_people_with_the_place(begin, go, states, child):
    run = begin([subflow("sub", number={"var": "inputs.order.units"})], inputs={"order": {"units": "many"}})
    go()
    assert states(run) == {"sub": "attention"} and parts(run) == []
    assert "inputs.number" in TaskRun.objects.get(run=run).error


def test_workflows_that_contain_themselves_end_with_people_and_not_with_a_full_disk(begin, go, child, system):
    plain = {"key": "other", "title": "Other", "tasks": [subflow("again")]}
    version = definitions.publish(actor=system, document=plain)
    definitions.publish(actor=system, document=plain | {"tasks": chain("a")})
    child(extra=[subflow("again", "last", definition="other") | {"with": {}}])
    run = begin([subflow("sub")])
    # Publishing and rolling back refuse this; the engine does not rely on it.
    Definition.objects.filter(key="other").update(current=version)
    go()
    assert Run.objects.count() == 6
    assert TaskRun.objects.filter(state="attention", kind="subflow").get().error.startswith("Workflows within")
    assert state(run) == "running"


def test_a_definition_says_what_it_starts_and_over_what(system, child):
    bad = [
        subflow("a", definition="nowhere"), each("b") | {"over": None}, each("c", at_once=0), subflow("d", undo="none"),
        task("e", "b", **{"with": {"number": {"var": "item"}}}),
    ]  # fmt: skip
    with pytest.raises(DefinitionRefused) as refused:
        definitions.publish(actor=system, document={"key": "p", "title": "P", "tasks": bad[1:]})
    assert set(refused.value.fields) == {
        "tasks.b.over", "tasks.c.at_once", "tasks.d.undo", "tasks.e.with.number",
    }  # fmt: skip
    with pytest.raises(DefinitionRefused) as refused:
        definitions.publish(actor=system, document={"key": "p", "title": "P", "tasks": bad[:1]})
    assert set(refused.value.fields) == {"tasks.a.definition"}
    with pytest.raises(DefinitionRefused) as refused:
        child(results={"x": {"var": "tasks.first.nothing"}})
    assert set(refused.value.fields) == {"results.x"}


def test_a_run_needs_people_when_a_part_of_it_does(begin, go, child):
    child("nested", [subflow("inner", "last", number={"var": "inputs.number"})])
    shop.plans["last"] = [Done({}), Fail("broken")]
    stuck = begin([subflow("sub", definition="nested")])
    go()
    fine = begin(chain("x"))
    go()
    assert selectors.find_needing_people([stuck.pk, fine.pk]) == {stuck.pk}
    assert selectors.find_needing_people([]) == set()
