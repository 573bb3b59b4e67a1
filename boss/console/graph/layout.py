"""Layered drawing of a directed acyclic graph, top to bottom: a pure function from tasks to coordinates.

The classic four steps (Sugiyama): a layer for every node by longest path, bends for edges that jump layers, an order
within each layer that crosses little, and positions that keep neighbours in line. Lengths are in SVG user units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

NODE_WIDTH = 180
NODE_HEIGHT = 62
GAP_ACROSS = 14
GAP_DOWN = 44
BEND_WIDTH = 12
MARGIN = 8

_SWEEPS = 8
_ALIGNMENTS = 12

Edge = tuple[str, str]


class CyclicGraph(ValueError):
    """The edges go in a circle: no published definition does."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node stands: its upper left corner, its layer, its place within the layer."""

    key: str
    x: float
    y: float
    layer: int
    place: int

    @property
    def centre(self) -> float:
        return self.x + NODE_WIDTH / 2


@dataclass(frozen=True, slots=True)
class Line:
    """An edge and the corners it passes, from the foot of one node to the head of another."""

    source: str
    target: str
    points: tuple[tuple[float, float], ...]

    @property
    def path(self) -> str:
        """SVG path data: straight through layers, curved between them."""
        (x, y), *rest = self.points
        parts = [f"M{x:g} {y:g}"]
        for next_x, next_y in rest:
            if next_x == x:
                parts.append(f"V{next_y:g}")
            else:
                middle = (y + next_y) / 2
                parts.append(f"C{x:g} {middle:g} {next_x:g} {middle:g} {next_x:g} {next_y:g}")
            x, y = next_x, next_y
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]


def layers_of(keys: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """The layer of every node: one below its lowest predecessor. Raises :class:`CyclicGraph`."""
    before: dict[str, set[str]] = {key: set() for key in keys}
    after: dict[str, list[str]] = {key: [] for key in keys}
    for source, target in edges:
        if source not in before[target]:
            before[target].add(source)
            after[source].append(target)
    waiting = {key: len(sources) for key, sources in before.items()}
    ready = [key for key in keys if waiting[key] == 0]
    layer: dict[str, int] = {}
    while ready:
        key = ready.pop(0)
        layer[key] = max((layer[source] + 1 for source in before[key]), default=0)
        for target in after[key]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    if len(layer) < len(keys):
        raise CyclicGraph(", ".join(sorted(set(keys) - set(layer))))
    return layer


@dataclass(slots=True)
class _Slot:
    """A place in a layer: a node, or the bend of an edge passing through."""

    name: str
    width: float
    up: list[str]
    down: list[str]
    centre: float = 0.0


def draw(keys: Sequence[str], edges: Iterable[Edge]) -> Drawing:
    """Positions of all nodes and the ways of all edges. The same input always gives the same drawing.

    Edges to unknown nodes are left out. Raises :class:`CyclicGraph`.
    """
    known = set(keys)
    wanted = list(dict.fromkeys((a, b) for a, b in edges if a in known and b in known))
    if not keys:
        return Drawing(2 * MARGIN, 2 * MARGIN, (), ())
    layer = layers_of(keys, wanted)
    rows, chains = _slots(keys, wanted, layer)
    slots = {slot.name: slot for row in rows for slot in row}
    _order(rows, slots)
    _align(rows, slots)
    return _measure(rows, chains, slots, layer)


def place(keys: Sequence[str], edges: Iterable[Edge], positions: Mapping[str, tuple[float, float]]) -> Drawing:
    """The drawing as somebody has arranged it in the editor: boxes where they were put.

    ``positions`` names every key. An edge keeps its way around other boxes while both its ends stand where :func:`draw`
    would put them, else it goes straight. Layers are the heights boxes stand at, so that they are read from top to
    bottom. Raises :class:`CyclicGraph`.
    """
    edges = list(edges)
    laid_out = draw(keys, edges)
    left = min(x for x, _y in positions.values()) - MARGIN
    top = min(y for _x, y in positions.values()) - MARGIN
    heights = sorted({positions[key][1] for key in keys})
    boxes = {
        key: Box(key, positions[key][0] - left, positions[key][1] - top, heights.index(positions[key][1]), number)
        for number, key in enumerate(keys)
    }
    stay = {box.key for box in laid_out.boxes if _is_at(positions[box.key], box)}
    lines = []
    for line in laid_out.lines:
        points = [(x - left, y - top) for x, y in line.points]
        if not {line.source, line.target} <= stay:
            source, target = boxes[line.source], boxes[line.target]
            points = [(source.centre, source.y + NODE_HEIGHT), (target.centre, target.y)]
        lines.append(Line(line.source, line.target, tuple(points)))
    corners = [point for line in lines for point in line.points]
    width = max([box.x + NODE_WIDTH for box in boxes.values()] + [x for x, _y in corners]) + MARGIN
    height = max([box.y + NODE_HEIGHT for box in boxes.values()] + [y for _x, y in corners]) + MARGIN
    return Drawing(width, height, tuple(boxes.values()), tuple(lines))


def _is_at(position: tuple[float, float], box: Box) -> bool:
    return abs(position[0] - box.x) < 0.5 and abs(position[1] - box.y) < 0.5


def _slots(
    keys: Sequence[str], edges: Sequence[Edge], layer: Mapping[str, int]
) -> tuple[list[list[_Slot]], dict[Edge, list[str]]]:
    rows: list[list[_Slot]] = [[] for _ in range(max(layer.values()) + 1)]
    slots: dict[str, _Slot] = {}
    for key in keys:
        slots[key] = _Slot(key, NODE_WIDTH, [], [])
        rows[layer[key]].append(slots[key])
    chains: dict[Edge, list[str]] = {}
    for source, target in edges:
        chain = [source]
        for between in range(layer[source] + 1, layer[target]):
            bend = _Slot(f"{source}\0{target}\0{between}", BEND_WIDTH, [], [])
            slots[bend.name] = bend
            rows[between].append(bend)
            chain.append(bend.name)
        chain.append(target)
        for upper, lower in pairwise(chain):
            slots[upper].down.append(lower)
            slots[lower].up.append(upper)
        chains[source, target] = chain
    return rows, chains


def _order(rows: list[list[_Slot]], slots: Mapping[str, _Slot]) -> None:
    """Sort each layer by the mean place of its neighbours, down and up again; keep the order with fewest crossings."""
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows[1:] if downwards else list(reversed(rows[:-1])):
            places = {slot.name: place for other in rows for place, slot in enumerate(other)}
            own = {slot.name: place for place, slot in enumerate(row)}

            def mean(slot: _Slot, places: dict[str, int] = places, own: dict[str, int] = own) -> float:
                near = slot.up if downwards else slot.down  # noqa: B023 - used at once, within the sweep
                return sum(places[name] for name in near) / len(near) if near else float(own[slot.name])

            row.sort(key=mean)
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    for row, kept in zip(rows, best, strict=True):
        row[:] = kept


def _crossings(rows: list[list[_Slot]]) -> int:
    total = 0
    for row, below in pairwise(rows):
        places = {slot.name: place for place, slot in enumerate(below)}
        ends = [sorted(places[name] for name in slot.down) for slot in row]
        flat = [place for group in ends for place in group]
        total += sum(1 for i, left in enumerate(flat) for right in flat[i + 1 :] if left > right)
    return total


def _align(rows: list[list[_Slot]], slots: Mapping[str, _Slot]) -> None:
    """Pull every slot towards its neighbours' middle, then part what overlaps; order within a layer never changes."""
    for row in rows:
        at = 0.0
        for slot in row:
            slot.centre = at + slot.width / 2
            at += slot.width + GAP_ACROSS
    for turn in range(_ALIGNMENTS):
        downwards = turn % 2 == 0
        for row in rows if downwards else reversed(rows):
            wishes = []
            for slot in row:
                near = (slot.up or slot.down) if downwards else (slot.down or slot.up)
                wishes.append(sum(slots[name].centre for name in near) / len(near) if near else slot.centre)
            for slot, centre in zip(row, _parted(row, wishes), strict=True):
                slot.centre = centre


def _parted(row: Sequence[_Slot], wishes: Sequence[float]) -> list[float]:
    """Centres as near to the wishes as widths allow: clusters of touching slots share their mean (least squares)."""
    offsets = [0.0]
    for left, right in pairwise(row):
        offsets.append(offsets[-1] + (left.width + right.width) / 2 + GAP_ACROSS)
    # Pool adjacent violators on (wish - offset): a non-decreasing sequence keeps all distances.
    blocks: list[tuple[float, int]] = []
    for wish, offset in zip(wishes, offsets, strict=True):
        mean, size = wish - offset, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (other * count + mean * size) / (count + size), count + size
        blocks.append((mean, size))
    shifts = [mean for mean, size in blocks for _ in range(size)]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]


def _measure(
    rows: list[list[_Slot]], chains: Mapping[Edge, list[str]], slots: Mapping[str, _Slot], layer: Mapping[str, int]
) -> Drawing:
    left = min(slot.centre - slot.width / 2 for row in rows for slot in row)
    for row in rows:
        for slot in row:
            slot.centre = round(slot.centre - left + MARGIN, 1)
    top = {slot.name: MARGIN + at * (NODE_HEIGHT + GAP_DOWN) for at, row in enumerate(rows) for slot in row}
    boxes = [
        Box(slot.name, slot.centre - NODE_WIDTH / 2, top[slot.name], at, place)
        for at, row in enumerate(rows)
        for place, slot in enumerate(row)
        if slot.name in layer
    ]
    lines = []
    for (source, target), chain in chains.items():
        points = [(slots[source].centre, top[source] + NODE_HEIGHT)]
        for bend in chain[1:-1]:
            points += [(slots[bend].centre, top[bend]), (slots[bend].centre, top[bend] + NODE_HEIGHT)]
        points.append((slots[target].centre, top[target]))
        lines.append(Line(source, target, tuple(points)))
    right = max(slot.centre + slot.width / 2 for row in rows for slot in row)
    height = MARGIN * 2 + len(rows) * NODE_HEIGHT + (len(rows) - 1) * GAP_DOWN
    return Drawing(right + MARGIN, height, tuple(boxes), tuple(lines))
