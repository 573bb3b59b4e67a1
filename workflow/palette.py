"""What a definition can be made of in this realm: what the editor offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from boss.core.actors import Actor
from boss.core.expressions import OPERATORS
from boss.core.schema import Characteristic
from boss.tenancy import selectors as ground
from ticketing import selectors as desk
from workflow import selectors
from workflow.contracts import TaskHandler
from workflow.registry import task_handlers


@dataclass(frozen=True, slots=True)
class Named:
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class HandlerOffer:
    """``undo``: by the handler itself, none needed, or missing (the definition must say manual or none)."""

    key: str
    title: str
    room: str
    local: bool
    undo: str
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DefinitionOffer:
    """A published workflow that a task can start. ``results`` are the names of what it gives."""

    key: str
    title: str
    inputs: list[dict[str, Any]]
    results: list[str]


@dataclass(frozen=True, slots=True)
class Operator:
    """``operands``: how many it takes; None for any number."""

    operator: str
    operands: int | None


@dataclass(frozen=True, slots=True)
class Palette:
    handlers: list[HandlerOffer]
    pools: list[Named]
    categories: list[Named]
    definitions: list[DefinitionOffer]
    calendars: list[Named]
    operators: list[Operator]


def palette(actor: Actor) -> Palette:
    """Everything a definition may name, as far as ``actor`` may see it. Four statements."""
    return Palette(
        handlers=[_offered(handler) for _key, handler in task_handlers],
        pools=[Named(pool.key, pool.name) for pool in desk.list_pools(actor)],
        categories=[Named(category.key, category.name) for category in desk.list_categories(actor)],
        definitions=[
            DefinitionOffer(
                key=definition.key,
                title=definition.title,
                inputs=definition.current.document.get("inputs") or [],
                results=sorted(definition.current.document.get("results") or {}),
            )
            for definition in selectors.list_definitions(actor).filter(is_archived=False, current__isnull=False)
        ],
        calendars=[Named(calendar.key, calendar.name) for calendar in ground.list_calendars()],
        operators=[Operator(operator, operands) for operator, operands in OPERATORS.items()],
    )


def _offered(handler: TaskHandler) -> HandlerOffer:
    undo = "handler" if handler.undo is not None else "none" if handler.nothing_to_undo else "missing"
    return HandlerOffer(
        key=handler.key,
        title=str(handler.title),
        room=handler.key.partition(".")[0],
        local=handler.local,
        undo=undo,
        inputs=_written(handler.inputs),
        outputs=_written(handler.outputs),
    )


def _written(items: Iterable[Characteristic]) -> list[dict[str, Any]]:
    # Labels may be lazy translations.
    plain = [{**item.to_json(), "required": item.required, "label": str(item.title)} for item in items]
    return [{key: str(value) if key == "help" else value for key, value in item.items()} for item in plain]
