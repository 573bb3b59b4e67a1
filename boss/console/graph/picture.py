"""A run's graph as shapes and words for the template: no decision is left to it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from boss.console.graph import layout
from boss.console.presenters.marks import TASK, mark
from boss.look.marks import Mark
from workflow.selectors import Graph, Node

# Characters of 13 px that fit beside the icon; two lines at most.
_LINE, _LINES = 18, 2

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
        """Heights of the title's lines."""
        return [(self.y + 22 + 16 * number, line) for number, line in enumerate(self.lines)]

    @property
    def text_x(self) -> float:
        return self.x + 34

    @property
    def word_y(self) -> float:
        return self.y + layout.NODE_HEIGHT - 9

    @property
    def icon_x(self) -> float:
        return self.x + 9

    @property
    def icon_y(self) -> float:
        return self.y + 10


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


def draw(graph: Graph, url_of: Callable[[str], str], chosen: str = "") -> Picture:
    """Lay out ``graph``; ``url_of(key)`` is where a task's link leads."""
    drawing = layout.draw([node.key for node in graph.nodes], graph.edges)
    nodes = {node.key: node for node in graph.nodes}
    shapes = []
    for box in sorted(drawing.boxes, key=lambda box: (box.layer, box.x)):
        node = nodes[box.key]
        shown = mark_of(node)
        word = _word(node, shown)
        shapes.append(
            Shape(
                key=node.key,
                x=box.x,
                y=box.y,
                lines=wrapped(node.title),
                title=node.title,
                word=word,
                mark=shown,
                url=url_of(node.key),
                label=f"{node.title}: {word}",
                is_off=node.state == "skipped",
                is_chosen=node.key == chosen,
            )
        )
    arrows = tuple(Arrow(line.path, _css(nodes[line.source], nodes[line.target])) for line in drawing.lines)
    return Picture(graph.title, drawing.width, drawing.height, tuple(shapes), arrows)


def _css(source: Node, target: Node) -> str:
    if "skipped" in (source.state, target.state):
        return "off"
    return "taken" if source.state in _TAKEN and target.state not in ("pending",) else ""
