"""What the expressions of a definition can name, and of which type it is."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

from boss.core.expression_types import (
    ANY_LIST,
    ANY_OBJECT,
    BOOLEAN,
    TEXT,
    UNKNOWN,
    WHOLE,
    Type,
    of_characteristics,
    record,
    type_of,
)
from boss.core.schema import Characteristic
from workflow import graph
from workflow.choices import STARTS_RUNS, TaskKind
from workflow.graph import Graph, TaskSpec
from workflow.registry import task_handlers

Documents = Mapping[str, Mapping[str, Any]]

_PLAIN = {"list": ANY_LIST.or_null(), "object": ANY_OBJECT.or_null()}


def outputs_of(spec: TaskSpec) -> tuple[Characteristic, ...]:
    """What the task gives: the handler's outputs (and the declared ones of an open handler), or those a person is
    asked for."""
    if spec.kind == TaskKind.AUTOMATED:
        handler = task_handlers.find(spec.handler)
        if handler is None:
            return ()
        return (*handler.outputs, *spec.outputs) if handler.open else tuple(handler.outputs)
    return spec.outputs


def input_types(read: Graph) -> dict[str, Type]:
    """The inputs of a run."""
    return of_characteristics(read.inputs) | {key: _PLAIN[kind] for key, kind in read.plain_inputs.items()}


class Names:
    """The names of one definition. ``documents`` are the definitions its subflows may be; those it does not know,
    and those that stand in a circle, give results of unknown type."""

    def __init__(self, read: Graph, documents: Documents, _above: frozenset[str] = frozenset()) -> None:
        self.graph = read
        self._documents = documents
        self._above = _above | {read.key}
        self._inputs = record(input_types(read))
        self._tasks: dict[int, Type] = {}

    def for_task(self, spec: TaskSpec) -> Type:
        """What ``when``, ``until``, ``over`` and ``with`` of a task can name: inputs, subject, all tasks before it."""
        return self._after(self.graph.ancestors[spec.position])

    def for_items(self, spec: TaskSpec) -> Type:
        """The same for ``with`` of an *each* task, which can also name the item and its index."""
        names = self.for_task(spec)
        of, _problems = type_of(spec.over, names)
        return record({**(names.fields or {}), "item": of.item or UNKNOWN, "index": WHOLE})

    def at_end(self) -> Type:
        """What ``results`` can name: every task."""
        return self._after(range(len(self.graph.tasks)))

    def results(self) -> Type:
        """What a run gives its parent."""
        names = self.at_end()
        return record({name: type_of(expression, names)[0] for name, expression in self.graph.results.items()})

    def _after(self, positions: Container[int]) -> Type:
        subject = record({"kind": TEXT.or_null(), "id": WHOLE.or_null()})
        return record({"inputs": self._inputs, "subject": subject, "tasks": record(_Done(self, positions))})

    def outputs(self, spec: TaskSpec) -> Type:
        """What a task gives; nothing where it was skipped."""
        if spec.position not in self._tasks:
            self._tasks[spec.position] = self._outputs_now(spec).or_null()
        return self._tasks[spec.position]

    def _outputs_now(self, spec: TaskSpec) -> Type:
        if spec.kind == TaskKind.AUTOMATED and spec.handler not in task_handlers:
            return ANY_OBJECT  # that it is missing is a fault of its own
        fields = of_characteristics(outputs_of(spec))
        if spec.kind == TaskKind.WAIT:
            fields["timed_out"] = BOOLEAN.or_null()
        elif spec.kind in STARTS_RUNS:
            results = self._results_of(spec.definition)
            if spec.kind == TaskKind.EACH:
                fields = {"items": Type("list", item=results), "count": WHOLE}
            elif results.fields is None:
                return results
            else:
                fields = dict(results.fields)
        return record({**fields, "skipped": BOOLEAN.or_null()})

    def _results_of(self, definition: str) -> Type:
        document = self._documents.get(definition)
        if document is None or definition in self._above:
            return ANY_OBJECT
        return Names(graph.read(document), self._documents, self._above).results()


class _Done(Mapping[str, Type]):
    """The outputs of some tasks by key, looked up when they are named: of a thousand tasks most are not."""

    def __init__(self, names: Names, positions: Container[int]) -> None:
        self._names = names
        self._positions = positions

    def __getitem__(self, key: str) -> Type:
        spec = self._names.graph.by_key[key]
        if spec.position not in self._positions:
            raise KeyError(key)
        return self._names.outputs(spec)

    def __iter__(self) -> Iterator[str]:
        return (spec.key for spec in self._names.graph.tasks if spec.position in self._positions)

    def __len__(self) -> int:
        return sum(1 for _key in self)
