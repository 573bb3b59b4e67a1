"""A workshop: handlers that do as they are told and write down what they did, and definitions that use them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from boss.core.actors import Actor
from boss.tenancy.models import Realm
from tests.workflow import workshop
from tests.workflow.driving import drive
from ticketing.services import pools
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs

_TYPES = {str: "text", bool: "boolean", int: "integer", list: "list", dict: "object"}


@pytest.fixture(autouse=True)
def clean_workshop() -> Iterator[None]:
    workshop.clean()
    yield
    workshop.clean()


@pytest.fixture
def pool(alpha: Realm, system: Actor) -> Any:
    return pools.create(actor=system, key="crew", name="Crew")


@pytest.fixture
def begin(alpha: Realm, system: Actor) -> Callable[..., Run]:
    """``begin([task, …], inputs={…})`` publishes a definition of these tasks and starts a run of it."""

    def start(tasks: list[dict[str, Any]], inputs: dict[str, Any] | None = None, key: str = "test", **top: Any) -> Run:
        declared = [{"key": name, "type": _TYPES[type(value)]} for name, value in (inputs or {}).items()]
        document = {"key": key, "title": "Test workflow", "inputs": declared, "tasks": tasks, **top}
        definitions.publish(actor=system, document=document)
        return runs.start(actor=system, definition_key=key, subject=("tests.order", 7), inputs=inputs or {})

    return start


@pytest.fixture
def go(alpha: Realm) -> Callable[..., int]:
    """Drive everything in alpha until nothing is due."""
    return lambda **how: drive(alpha.pk, **how)


@pytest.fixture
def states(alpha: Realm) -> Callable[[Run], dict[str, str]]:
    """The states of a run's tasks by key, as the database has them."""
    return lambda run: {task.key: task.state for task in TaskRun.objects.filter(run=run)}
