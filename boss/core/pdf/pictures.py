"""Charts drawn as lines and areas, never as dots: what a table of numbers looks like.

Each kind takes the same data: labels, and series of one value for each label. Nothing here is told by colour alone:
lines differ in their dashes, and whoever prints the picture puts the table below it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from boss.core import colours
from boss.core.colours import Rgb
from boss.core.pdf.paper import INK, LINE, QUIET, Paper
from boss.core.pdf.scales import Unit, said, step_of, top_of

Kind = Literal["lines", "band", "bars", "pareto", "rows", "box", "heat"]

_TALL = 62.0
"""Millimetres of a picture whose categories stand side by side."""
_ROW = 7.5
_LEGEND = 7.0
_SMALL = 7.5
"""Points of what stands at axes."""
_WIDEST_BAR = 9.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series. ``as_line`` over bars; ``on_right``: dashed, by a scale of its own on that side."""

    name: str
    colour: Rgb
    values: Sequence[float | None]
    unit: Unit = "count"
    as_line: bool = False
    dashed: bool = False
    on_right: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart. ``rows`` and ``box`` lie down, one line for each label; ``box`` takes five series from low to high;
    ``heat`` has a column for each series. ``told`` is what is read out instead of it."""

    kind: Kind
    labels: Sequence[str]
    series: Sequence[Drawn]
    told: str
    stacked: bool = False

    @property
    def has_legend(self) -> bool:
        return len(self.series) > 1 and self.kind not in ("heat", "box")

    @property
    def height(self) -> float:
        """In millimetres."""
        legend = _LEGEND if self.has_legend else 0
        if self.kind in ("rows", "box"):
            return legend + _ROW * len(self.labels) + 8
        return _ROW * len(self.labels) + 8 if self.kind == "heat" else legend + _TALL


@dataclass(frozen=True)
class Frame:
    """Where a picture lies, in millimetres, without its legend and what stands at its axes."""

    paper: Paper
    x: float
    y: float
    width: float
    height: float
    labels: Sequence[str] = field(default_factory=tuple)

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def slot(self) -> float:
        return self.width / max(1, len(self.labels))

    def middle(self, at: int) -> float:
        return self.x + self.slot * (at + 0.5)


def draw(paper: Paper, picture: Picture, x: float, y: float, width: float) -> None:
    """Draw it with its upper left corner there; :attr:`Picture.height` says how far down it reaches."""
    bottom = y + picture.height
    if picture.has_legend:
        _legend(paper, picture, x, y, width)
        y += _LEGEND
    if picture.kind == "heat":
        _heat(paper, picture, x, y, width)
    elif picture.kind in ("rows", "box"):
        _lying(paper, picture, x, y, width, bottom - y - 8)
    else:
        _standing(paper, picture, x, y, width, bottom - y - 7)


def _legend(paper: Paper, picture: Picture, x: float, y: float, width: float) -> None:
    right = x + width
    for each in picture.series:
        needed = paper.width_of(each.name, size=8) + 9
        if x + needed > right:
            return
        paper.colour(each.colour)
        if _is_line(picture, each):
            _stroke(paper, [(x, y + 2.5), (x + 5, y + 2.5)], each)
        else:
            paper.rect(x, y + 1, 3, 3, style="F")
        paper.word(x + 6, y, needed, each.name, size=8)
        x += needed + 3


def _is_line(picture: Picture, each: Drawn) -> bool:
    return each.as_line or picture.kind in ("lines", "band")


def _stroke(paper: Paper, points: Sequence[tuple[float, float]], each: Drawn) -> None:
    paper.colour(each.colour)
    paper.set_line_width(0.5)
    if each.dashed or each.on_right:
        paper.set_dash_pattern(dash=1.4, gap=1)
    if len(points) > 1:
        paper.polyline(points)
    paper.set_dash_pattern()
    paper.set_line_width(0.2)


def _values(series: Sequence[Drawn]) -> list[float]:
    return [value for each in series for value in each.values if value is not None]


def _most(picture: Picture, series: Sequence[Drawn]) -> float:
    """The highest that is drawn; stacked bars add up."""
    bars = [each for each in series if not _is_line(picture, each)]
    highest = max(_values(series), default=0)
    if picture.stacked and bars:
        sums = (sum(max(0, each.values[at] or 0) for each in bars) for at in range(len(picture.labels)))
        highest = max(highest, max(sums, default=0))
    return max(highest, 0)


# Categories side by side


def _standing(paper: Paper, picture: Picture, x: float, y: float, width: float, height: float) -> None:
    on_left = [each for each in picture.series if not each.on_right]
    on_right = [each for each in picture.series if each.on_right]
    frame = Frame(paper, x + 15, y + 2, width - (30 if on_right else 17), height - 2, picture.labels)
    right = _scale(frame, picture, on_right, is_left=False) if on_right else None
    if right and picture.kind == "lines":
        for each in on_right:
            _area(frame, each, right)
    left = _scale(frame, picture, on_left, is_left=True)
    _bars(frame, picture, [each for each in on_left if not _is_line(picture, each)], left)
    for each in [*on_right, *on_left]:
        if _is_line(picture, each):
            _line(frame, each, right if each.on_right and right else left)
    paper.colour(LINE)
    paper.line(frame.x, frame.bottom, frame.x + frame.width, frame.bottom)
    _below(frame)


def _scale(frame: Frame, picture: Picture, series: Sequence[Drawn], *, is_left: bool) -> Callable[[float], float]:
    """Draw an axis; gives back where a value lies."""
    unit = series[0].unit if series else "count"
    most = _most(picture, series)
    top, step = top_of(most, unit), step_of(most, unit)
    for at in range(round(top / step) + 1):
        y = frame.bottom - frame.height * at * step / top
        if is_left:
            frame.paper.colour(LINE)
            frame.paper.line(frame.x, y, frame.x + frame.width, y)
            frame.paper.word(frame.x - 15, y - 2, 14, said(at * step, unit), size=_SMALL, colour=QUIET, align="R")
        else:
            frame.paper.word(
                frame.x + frame.width + 1, y - 2, 14, said(at * step, unit), size=_SMALL, colour=QUIET
            )  # fmt: skip
    return lambda value: frame.bottom - frame.height * max(0.0, value) / top


def _bars(frame: Frame, picture: Picture, bars: Sequence[Drawn], at_value: Callable[[float], float]) -> None:
    beside = 1 if picture.stacked else max(1, len(bars))
    wide = min(_WIDEST_BAR, frame.slot * 0.8 / beside)
    for at in range(len(frame.labels)):
        standing = 0.0
        for number, each in enumerate(bars):
            value = max(0.0, each.values[at] or 0)
            if not value:
                continue
            shift = 0 if picture.stacked else number
            x = frame.middle(at) - wide * beside / 2 + wide * shift
            above, below = at_value(standing + value), at_value(standing)
            frame.paper.colour(each.colour)
            frame.paper.rect(x, above, wide * 0.94, below - above, style="F")
            standing += value if picture.stacked else 0


def _points(frame: Frame, each: Drawn, at_value: Callable[[float], float]) -> list[tuple[float, float]]:
    return [(frame.middle(at), at_value(value)) for at, value in enumerate(each.values) if value is not None]


def _area(frame: Frame, each: Drawn, at_value: Callable[[float], float]) -> None:
    points = _points(frame, each, at_value)
    if len(points) > 1:
        frame.paper.colour(colours.mixed(each.colour, 0.12))
        frame.paper.polygon([(points[0][0], frame.bottom), *points, (points[-1][0], frame.bottom)], style="F")


def _line(frame: Frame, each: Drawn, at_value: Callable[[float], float]) -> None:
    points = _points(frame, each, at_value)
    _stroke(frame.paper, points, each)
    if len(points) <= 40:
        for x, y in points:
            frame.paper.circle(x, y, 0.7, style="F")


def _below(frame: Frame) -> None:
    """As many labels as there is room for, evenly."""
    if not frame.labels:
        return
    widest = max(frame.paper.width_of(label, size=_SMALL) for label in frame.labels)
    wide = min(widest, 32.0) + 2
    every = max(1, -(-int(wide * 100) // int(max(frame.slot, 0.1) * 100)))
    for at in range(0, len(frame.labels), every):
        frame.paper.word(
            frame.middle(at) - wide / 2, frame.bottom + 1.5, wide, frame.labels[at], size=_SMALL, colour=QUIET,
            align="C",
        )  # fmt: skip


# Categories below one another


def _lying(paper: Paper, picture: Picture, x: float, y: float, width: float, height: float) -> None:
    beside = min(70.0, width * 0.35)
    unit = picture.series[0].unit
    most = _most(picture, picture.series)
    top, step = top_of(most, unit), step_of(most, unit)
    left, room = x + beside, width - beside - 10
    for at in range(round(top / step) + 1):
        across = left + room * at * step / top
        paper.colour(LINE)
        paper.line(across, y, across, y + height)
        paper.word(across - 12, y + height + 1, 24, said(at * step, unit), size=_SMALL, colour=QUIET, align="C")

    def reach(value: float) -> float:
        return left + room * min(1.0, max(0.0, value) / top)

    for at, label in enumerate(picture.labels):
        above = y + _ROW * at
        paper.word(x, above + 1.4, beside - 2, label, size=8, align="R")
        if picture.kind == "box":
            _box(paper, [each.values[at] for each in picture.series], picture.series[2].colour, reach, above)
        else:
            _lying_bars(paper, picture, at, reach, above)


def _lying_bars(paper: Paper, picture: Picture, at: int, reach: Callable[[float], float], above: float) -> None:
    number = 1 if picture.stacked else len(picture.series)
    high, standing = (_ROW - 2) / number, 0.0
    for shift, each in enumerate(picture.series):
        value = max(0.0, each.values[at] or 0)
        if not value:
            continue
        y = above + 1 + (0 if picture.stacked else high * shift)
        paper.colour(each.colour)
        paper.rect(reach(standing), y, reach(standing + value) - reach(standing), high * 0.94, style="F")
        standing += value if picture.stacked else 0


def _box(
    paper: Paper, five: Sequence[float | None], colour: Rgb, reach: Callable[[float], float], above: float
) -> None:
    if any(value is None for value in five):
        return
    low, quarter, half, three, high = (reach(value or 0) for value in five)
    middle = above + _ROW / 2
    paper.colour(colour)
    paper.line(low, middle, high, middle)
    for end in (low, high):
        paper.line(end, middle - 1.2, end, middle + 1.2)
    paper.set_fill_color(*colours.mixed(colour, 0.25))
    paper.rect(quarter, middle - 2, max(0.2, three - quarter), 4, style="DF")
    paper.set_line_width(0.7)
    paper.line(half, middle - 2, half, middle + 2)
    paper.set_line_width(0.2)


# Rows and columns


def _heat(paper: Paper, picture: Picture, x: float, y: float, width: float) -> None:
    beside = 26.0
    wide = (width - beside) / max(1, len(picture.series))
    most = max(_values(picture.series), default=0) or 1
    for at, label in enumerate(picture.labels):
        above = y + _ROW * at
        paper.word(x, above + 1.4, beside - 2, label, size=8, align="R")
        for number, each in enumerate(picture.series):
            value = max(0.0, each.values[at] or 0)
            shade = colours.mixed(each.colour, 0.06 + 0.94 * value / most)
            left = x + beside + wide * number
            paper.colour(shade)
            paper.rect(left + 0.15, above + 0.15, wide - 0.3, _ROW - 0.3, style="F")
            if value:
                paper.word(
                    left, above + 1.6, wide, said(value, each.unit), size=6.5, colour=colours.on(shade), align="C"
                )
    every = 1 if wide > 5 else 2
    for number, each in list(enumerate(picture.series))[::every]:
        paper.word(
            x + beside + wide * number - 1, y + _ROW * len(picture.labels) + 1, wide + 2, each.name, size=_SMALL,
            colour=QUIET, align="C",
        )  # fmt: skip


__all__ = ["INK", "Drawn", "Kind", "Picture", "draw"]
