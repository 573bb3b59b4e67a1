"""A realm with a second administrator, so that there is somebody to publish what Alice writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from boss.automation.models import Endpoint, Script, ScriptVersion
from boss.automation.services import endpoints, scripts
from boss.core.actors import Actor
from tests.cast import Cast, actor_of, make_user
from tests.workflow.driving import drive
from workflow.journal import Sentence, journal
from workflow.models import Run
from workflow.services import definitions, runs

ANYTHING = {"type": "object"}


@pytest.fixture
def alma(cast: Cast, alpha: Any) -> Actor:
    """A second administrator of Alice's realm."""
    return actor_of(make_user(cast.alpha, "alma@alpha.example", "Alma Ames", "realm_admin"))


@pytest.fixture
def published(alpha: Any, alice: Actor, alma: Actor) -> Callable[..., ScriptVersion]:
    """``published("key", text)``: Alice writes, Alma publishes."""

    def make(key: str, source: str, **rules: Any) -> ScriptVersion:
        script = Script.objects.filter(key=key).first() or scripts.create(actor=alice, key=key, title=key)
        rules = {
            "input_schema": ANYTHING,
            "output_schema": ANYTHING,
            "nothing_to_undo": "def undo" not in source,
        } | rules
        version = scripts.propose(actor=alice, script=script, source=source, **rules)
        return scripts.publish(actor=alma, script=script, number=version.number)

    return make


@pytest.fixture
def endpoint(alpha: Any, alice: Actor) -> Callable[..., Endpoint]:
    def make(kind: str, key: str = "there", **told: Any) -> Endpoint:
        return endpoints.create(actor=alice, key=key, kind=kind, title=key, **told)

    return make


@pytest.fixture
def perform(alpha: Any, system: Actor) -> Callable[..., Run]:
    """``perform(task, …)``: a run of a workflow with these tasks, driven until nothing is due."""

    def do(*tasks: dict[str, Any], key: str = "test") -> Run:
        definitions.publish(actor=system, document={"key": key, "title": "Test", "tasks": list(tasks)})
        run = runs.start(actor=system, definition_key=key, subject=("tests.order", 7), inputs={})
        drive(alpha.pk)
        return Run.objects.get(pk=run.pk)

    return do


@pytest.fixture
def scripted(published: Callable[..., ScriptVersion], perform: Callable[..., Run]) -> Callable[..., Run]:
    """``scripted(text)``: publish it and run it as the one task of a run."""

    def do(source: str, rules: dict[str, Any] | None = None, **inputs: Any) -> Run:
        published("tried", source, **(rules or {}))
        task = {"key": "work", "title": "Work", "handler": "script.run", "with": {"script": "tried", **inputs},
                "retry": {"attempts": 1}}  # fmt: skip
        return perform(task)

    return do


def told(run: Run) -> str:
    """The journal in one text, with what scripts wrote."""
    return "\n".join(f"{line.text}\n{line.log}" for line in journal(run))


def last(run: Run, kind: str) -> Sentence:
    return [line for line in journal(run) if line.kind == kind][-1]
