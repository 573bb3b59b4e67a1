"""What can be published, and what is said about what cannot."""

from __future__ import annotations

import pytest

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.workflow.workshop import chain, task
from workflow import checks
from workflow.errors import DefinitionRefused, NoSuchDefinition
from workflow.models import Definition, DefinitionVersion, Run
from workflow.services import definitions, runs

YAML = """
key: triple-play
title: New triple play
inputs:
  - {key: payment, type: choice, choices: [card, cash], required: true}
  - {key: families, type: list}
tasks:
  - key: check
    title: Check the address
    handler: tests.check
  - key: pay
    title: Pre-authorise
    handler: tests.remote
    after: [check]
    when: {"==": [{var: inputs.payment}, card]}
    with: {number: {var: tasks.check.number}}
    retry: {attempts: 3, backoff_seconds: 1}
  - key: survey
    title: Survey
    kind: manual
    pool: crew
    after: [check]
    undo: none
    when: {in: [data, {var: inputs.families}]}
    outputs: [{key: metres, type: integer}]
  - key: done
    title: Wait for the customer
    kind: wait
    after: [pay, survey]
    signal: customer.ready
    deadline_seconds: 86400
    on_deadline: done
"""


def test_yaml_is_published_and_the_same_again_gives_the_same_version(alpha, system, pool):
    first = definitions.publish(actor=system, document=YAML)
    again = definitions.publish(actor=system, document=YAML)
    other = definitions.publish(actor=system, document=YAML.replace("Survey", "Look"))
    assert first.pk == again.pk and (first.number, other.number) == (1, 2)
    assert Definition.objects.get().current_id == other.pk
    definitions.roll_back(actor=system, definition=first.definition, number=1)
    assert Definition.objects.get().current_id == first.pk


def faults(*tasks, **top):
    return checks.faults({"key": "x", "title": "X", "tasks": list(tasks), **top})


@pytest.mark.parametrize(
    ("tasks", "place", "says"),
    [
        ([task("a", "b"), task("b", "a")], "tasks.a.after", "cycle"),
        ([task("a"), task("b", "c"), task("c", "b"), task("d", "c")], "tasks.d.after", "Unreachable"),
        ([task("a", "ghost")], "tasks.a.after", "Unreachable"),
        ([task("a", handler="no.such")], "tasks.a.handler", "no handler"),
        ([task("a", handler="tests.stubborn")], "tasks.a.undo", "cannot undo"),
        ([task("a", handler="tests.check", undo="handler")], "tasks.a.undo", "cannot undo"),
        ([task("a", when={"var": "inputs.ghost"})], "tasks.a.when", "Unknown name"),
        ([task("a"), task("b", when={"var": "tasks.a.number"})], "tasks.b.when", "Unknown name"),
        ([task("a"), task("b", "a", when={"var": "tasks.a.ghost"})], "tasks.b.when", "Unknown name"),
        ([task("a", when={"sqrt": 4})], "tasks.a.when", "Unknown operator"),
        ([task("a", **{"with": {"ghost": 1}})], "tasks.a.with.ghost", "no such input"),
        ([task("a", handler="tests.needs")], "tasks.a.with.name", "needs this input"),
        ([{"key": "m", "title": "M", "kind": "manual", "undo": "none"}], "tasks.m.pool", "Who does it"),
        ([{"key": "m", "title": "M", "kind": "manual", "pool": "p"}], "tasks.m.undo", "Say how it is undone"),
        ([{"key": "w", "title": "W", "kind": "wait"}], "tasks.w.until", "a time"),
        ([{"key": "w", "title": "W", "kind": "wait", "signal": "s"}], "tasks.w.deadline_seconds", "How long"),
        ([task("a"), task("a")], "tasks.a.key", "Two tasks"),
        ([task("a", retry={"attempts": 0})], "tasks.a.retry.attempts", "positive"),
        ([task("a", colour="red")], "tasks.a.colour", "no such field"),
        ([{"key": "Bad Key", "title": "x"}], "tasks.0.key", "Lower-case"),
        ([], "tasks", "at least one"),
    ],
)
def test_every_fault_is_named_at_its_place(tasks, place, says):
    found = faults(*tasks)
    assert place in found and any(says in message for message in found[place]), found


@pytest.mark.parametrize("document", ["", "[]", "a: [", "just text", "key: 5\ntitle: x\ntasks: 3", "tasks: [1, 2]"])
def test_no_document_however_wrong_does_more_than_be_refused(alpha, system, document):
    with pytest.raises(DefinitionRefused):
        definitions.publish(actor=system, document=document)
    assert DefinitionVersion.objects.count() == 0


def test_a_pool_nobody_knows_is_refused_when_published(alpha, system):
    with pytest.raises(DefinitionRefused) as refused:
        definitions.publish(actor=system, document=YAML)
    assert "tasks.survey.pool" in refused.value.fields


def test_only_who_may_publishes_and_the_others_change_nothing(alpha, bob, alice):
    document = {"key": "x", "title": "X", "tasks": chain("a")}
    with pytest.raises(PermissionDenied):
        definitions.publish(actor=bob, document=document)
    assert Definition.objects.count() == 0
    definitions.publish(actor=alice, document=document)


def test_inputs_are_checked_and_nothing_starts_with_bad_ones(alpha, system, pool):
    definitions.publish(actor=system, document=YAML)
    with pytest.raises(InvalidInput) as refused:
        runs.start(actor=system, definition_key="triple-play", inputs={"payment": "shells", "families": "data"})
    assert set(refused.value.fields) == {"inputs.payment", "inputs.families"}
    assert Run.objects.count() == 0
    with pytest.raises(NoSuchDefinition):
        runs.start(actor=system, definition_key="ghost")


def test_an_archived_definition_starts_nothing_and_holds_up_nothing(alpha, system, go, begin, states):
    run = begin(chain("a", "b"))
    definitions.archive(actor=system, definition=Definition.objects.get())
    with pytest.raises(NoSuchDefinition):
        runs.start(actor=system, definition_key="test")
    go()
    assert states(run) == {"a": "done", "b": "done"}
