"""A run's graph as shapes and words for the template: no decision is left to it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.console.graph import layout
from boss.console.presenters.marks import TASK, mark
from boss.look.marks import Mark
from workflow.selectors import Graph, Node

# Characters of 13 px that fit beside the icon; two lines at most.
_LINE, _LINES = 18, 2
_WORD = 23

_TAKEN = {"done", "undo_ready", "undoing", "undo_waiting", "undo_attention", "undone", "kept"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One task: where it stands, what is written in it, where it leads."""

    key: str
    x: float
    y: float
    lines: tuple[str, ...]
    title: str
    word: str
    mark: Mark
    url: str
    label: str
    is_off: bool
    is_chosen: bool

    @property
    def baselines(self) -> list[tuple[float, str]]:
        """Heights of the title's lines: with the word below them they stand in the middle of the box."""
        first = 20 if len(self.lines) > 1 else 28
        return [(self.y + first + 16 * number, line) for number, line in enumerate(self.lines)]

    @property
    def text_x(self) -> float:
        return self.x + 34

    @property
    def word_y(self) -> float:
        return self.baselines[-1][0] + 17

    @property
    def icon_x(self) -> float:
        return self.x + 9

    @property
    def icon_y(self) -> float:
        return self.baselines[0][0] - 13


@dataclass(frozen=True, slots=True)
class Arrow:
    path: str
    css: str


@dataclass(frozen=True, slots=True)
class Picture:
    title: str
    width: float
    height: float
    shapes: tuple[Shape, ...]
    arrows: tuple[Arrow, ...]
    node_width: int = layout.NODE_WIDTH
    node_height: int = layout.NODE_HEIGHT


def wrapped(title: str) -> tuple[str, ...]:
    """The title in at most two lines; what does not fit ends in an ellipsis (the whole is in the label)."""
    lines = textwrap.wrap(title, _LINE) or [""]
    if len(lines) > _LINES:
        last = textwrap.shorten(" ".join(lines[_LINES - 1 :]), _LINE, placeholder="…")
        lines = [*lines[: _LINES - 1], last]
    return tuple(lines)


def mark_of(node: Node) -> Mark:
    """The state as it is drawn; a task that failed and waits for its next try says so."""
    if node.state in ("ready", "undo_ready") and node.failures:
        return Mark(_("Failed, tries again"), "rotate-clockwise", "wait")
    return mark(TASK, node.state)


def _word(node: Node, shown: Mark) -> str:
    if node.attempts > 1 and node.state in ("running", "done", "undoing"):
        return _("%(state)s · try %(n)s") % {"state": shown.word, "n": node.attempts}
    return str(shown.word)


def draw(graph: Graph, url_of: Callable[[str], str], chosen: str = "", placed: Any = None) -> Picture:
    """Draw a run's ``graph``; ``url_of(key)`` is where a task's link leads, ``placed`` its document's ``layout``."""
    drawing = drawing_of([node.key for node in graph.nodes], graph.edges, placed)
    nodes = {node.key: node for node in graph.nodes}
    shapes = []
    for box in _as_read(drawing):
        node = nodes[box.key]
        shown = mark_of(node)
        word = _word(node, shown)
        shapes.append(_shape(box, node.title, word, shown, url_of(node.key), node.state == "skipped", chosen))
    arrows = tuple(Arrow(line.path, _css(nodes[line.source], nodes[line.target])) for line in drawing.lines)
    return Picture(graph.title, drawing.width, drawing.height, tuple(shapes), arrows)


@dataclass(frozen=True, slots=True)
class Step:
    """A task of a definition as it is drawn before anything runs: a word for what it is, an icon for its kind."""

    key: str
    title: str
    word: str
    icon: str
    after: tuple[str, ...]


def draw_steps(title: str, steps: Sequence[Step], url_of: Callable[[str], str], placed: Any = None) -> Picture | None:
    """Draw a definition; nothing if its edges go in a circle, as a draft's may."""
    edges = [(before, step.key) for step in steps for before in step.after]
    try:
        drawing = drawing_of([step.key for step in steps], edges, placed)
    except layout.CyclicGraph:
        return None
    known = {step.key: step for step in steps}
    shapes = []
    for box in _as_read(drawing):
        step = known[box.key]
        shapes.append(_shape(box, step.title, step.word, Mark(step.word, step.icon, "idle"), url_of(step.key)))
    arrows = tuple(Arrow(line.path, "") for line in drawing.lines)
    return Picture(title, drawing.width, drawing.height, tuple(shapes), arrows)


def drawing_of(keys: Sequence[str], edges: Iterable[layout.Edge], placed: Any) -> layout.Drawing:
    """As somebody arranged it, when every task has a place; else in layers. Raises :class:`layout.CyclicGraph`."""
    positions = {
        key: (float(at[0]), float(at[1]))
        for key, at in (placed.items() if isinstance(placed, Mapping) else ())
        if isinstance(at, list) and len(at) == 2 and all(isinstance(one, int | float) for one in at)
    }
    if keys and all(key in positions for key in keys):
        return layout.place(keys, edges, {key: positions[key] for key in keys})
    return layout.draw(keys, edges)


def _as_read(drawing: layout.Drawing) -> list[layout.Box]:
    return sorted(drawing.boxes, key=lambda box: (box.layer, box.x))


def _shape(
    box: layout.Box, title: str, word: str, shown: Mark, url: str, is_off: bool = False, chosen: str = ""
) -> Shape:
    return Shape(
        key=box.key,
        x=box.x,
        y=box.y,
        lines=wrapped(title),
        title=title,
        word=_shortened(word),
        mark=shown,
        url=url,
        label=f"{title}: {word}",
        is_off=is_off,
        is_chosen=box.key == chosen,
    )


def _shortened(word: str) -> str:
    return word if len(word) <= _WORD else f"{word[: _WORD - 1].rstrip()}…"


def _css(source: Node, target: Node) -> str:
    if "skipped" in (source.state, target.state):
        return "off"
    return "taken" if source.state in _TAKEN and target.state not in ("pending",) else ""
