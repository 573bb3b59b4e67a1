"""A document from top to bottom: letterhead, headings, sentences, pictures, tables. Breaks its pages by itself.

It is a tagged PDF: headings, paragraphs, figures with their words, and tables with their heads are told to screen
readers as such; lines, colours, page numbers and heads that are repeated are not.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from boss.core import colours
from boss.core.colours import Rgb
from boss.core.pdf import pictures
from boss.core.pdf.paper import LINE, MARGIN, QUIET, Paper, Side
from boss.core.pdf.pictures import Picture

_PAPER: Rgb = (255, 255, 255)
_BANDS: Rgb = (245, 247, 250)
_MOST_DOTS = 4_000_000
"""Of a logo, width times height. A larger one is left out: a small file may unpack to gigabytes."""
_BODY, _CELL = 9.0, 8.0
_PADDING = 1.2
_WIDEST_HEAD, _MOST_SPARE = 26.0, 12.0


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Whose paper it is. ``colour`` is #rrggbb, ``logo`` a PNG."""

    name: str
    colour: str = colours.FALLBACK
    logo: bytes = b""
    line: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table. The first cell of each row names the row; ``texts`` are the other columns that hold words, not numbers.
    ``more`` is a sentence below it, where not all of the rows are here."""

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    texts: frozenset[int] = frozenset()
    more: str = ""


class Document:
    """Write in order, then take :meth:`content`. ``made`` (who, when) stands at the foot of every page."""

    def __init__(
        self, *, title: str, letterhead: Letterhead, language: str, made: str, created_at: dt.datetime,
        wide: bool = False,
    ) -> None:  # fmt: skip
        self._paper = Paper(
            title=title, author=letterhead.name, language=language, made=made, created_at=created_at, wide=wide
        )
        fill = colours.parse(letterhead.colour) or colours.parse(colours.FALLBACK) or (0, 0, 0)
        self._brand, self._brand_text = fill, colours.text_safe(fill, [_PAPER, _BANDS])
        self._head(letterhead)
        self.heading(title, level=1)

    def _head(self, letterhead: Letterhead) -> None:
        paper, x = self._paper, MARGIN
        with paper.decoration():
            paper.colour(self._brand)
            paper.rect(0, 0, paper.w, 3, style="F")
            if logo := _logo(letterhead.logo):
                high = 12.0
                wide = min(45.0, high * logo.width / logo.height)
                paper.image(logo, x, MARGIN - 5, wide, wide * logo.height / logo.width)
                x += wide + 4
        with paper.part(paper.tree.add("P", paper.page)):
            paper.word(x, MARGIN - 3, 110, letterhead.name, size=12, bold=True, colour=self._brand_text)
        if letterhead.line:
            with paper.part(paper.tree.add("P", paper.page)):
                paper.word(x, MARGIN + 3, 110, letterhead.line, size=8, colour=QUIET)
        paper.set_xy(MARGIN, MARGIN + 12)

    def heading(self, text: str, *, level: int = 2, keep: float = 30) -> None:
        """Level 1 is the document's own. It stands where ``keep`` millimetres of what follows have room below it."""
        size = {1: 18.0, 2: 12.5}.get(level, 10.0)
        colour = self._brand_text if level == 1 else pictures.INK
        self._sentence(f"H{level}", text, size=size, bold=True, colour=colour, above=0 if level == 1 else 5, keep=keep)

    def paragraph(self, text: str, *, quiet: bool = False) -> None:
        """A sentence or two, of at most 400 characters."""
        self._sentence("P", text, size=_BODY, colour=QUIET if quiet else pictures.INK, above=0.8)

    def _sentence(
        self, kind: str, text: str, *, size: float, bold: bool = False, colour: Rgb, above: float, keep: float = 0
    ) -> None:
        if not text:
            return
        paper = self._paper
        high = paper.lines_of(paper.epw, text, size=size, bold=bold) * paper.leading(size)
        self._room(high + above + keep)
        y = paper.y + above
        with paper.part(paper.tree.add(kind, paper.page)):
            paper.block(MARGIN, y, paper.epw, text, size=size, bold=bold, colour=colour)
        paper.set_xy(MARGIN, y + high + 0.6)

    def _room(self, height: float) -> None:
        """A new page where so much is not left on this one."""
        if height > self._paper.left and self._paper.y > MARGIN + 1:
            self._paper.add_page()
            self._paper.set_xy(MARGIN, MARGIN)

    def picture(self, picture: Picture) -> None:
        """A chart as wide as the page. Nothing where it has nothing to show."""
        if not picture.labels or not picture.series:
            return
        paper = self._paper
        self._room(picture.height + 4)
        y = paper.y + 2
        with paper.part(paper.tree.add("Figure", paper.page, alt=picture.told)):
            pictures.draw(paper, picture, MARGIN, y, paper.epw)
        paper.set_xy(MARGIN, y + picture.height + 2)

    def table(self, grid: Grid) -> None:
        """A table; its heads are repeated where it goes on on another page, and no row is torn apart."""
        if grid.rows:
            _Table(self._paper, grid).write()
            self.paragraph(grid.more)

    def content(self) -> bytes:
        """The finished file."""
        return self._paper.content()


class _Table:
    """Columns as wide as what stands in them needs, the first as wide as what is left."""

    def __init__(self, paper: Paper, grid: Grid) -> None:
        self._paper, self._grid = paper, grid
        self._size = _CELL if len(grid.heads) <= 12 else 6.5
        self._widths = self._measured()
        self._element = paper.tree.add("Table", paper.page)

    def _measured(self) -> list[float]:
        paper, others = self._paper, range(1, len(self._grid.heads))
        # Few columns may be wide; many share what the names of the rows leave.
        most = min(60.0, paper.epw * 0.72 / max(1, len(others)))
        found = []
        for at in others:
            cells = [paper.width_of(row[at], size=self._size) for row in self._grid.rows[:50]]
            head = self._grid.heads[at]
            words = [paper.width_of(word, size=self._size, bold=True) for word in head.split()]
            whole = min(_WIDEST_HEAD, paper.width_of(head, size=self._size, bold=True))
            found.append(min(most, max([8.0, whole, *cells, *words]) + 2 * _PADDING + 0.6))
        named = min(paper.epw / 2, max(paper.width_of(row[0], size=self._size) for row in self._grid.rows[:50]) + 4)
        spare = (paper.epw - named - sum(found)) / max(1, len(found))
        if spare > 0:  # numbers stand nearer to the name of their row
            found = [width + min(_MOST_SPARE, spare) for width in found]
        return [paper.epw - sum(found), *found]

    def write(self) -> None:
        rows = self._element
        self._heads(is_repeated=False)
        for number, row in enumerate(self._grid.rows):
            high = self._height(row)
            if high > self._paper.left:
                self._paper.add_page()
                self._paper.set_xy(MARGIN, MARGIN)
                self._heads(is_repeated=True)
            self._ground(high, _BANDS if number % 2 else None)
            line = self._paper.tree.add("TR", self._paper.page, rows)
            for at, cell in enumerate(row):
                if at == 0:
                    element = self._paper.tree.add("TH", self._paper.page, line, a="<</O /Table /Scope /Row>>")
                else:
                    element = self._paper.tree.add("TD", self._paper.page, line)
                with self._paper.part(element):
                    self._cell(at, cell)
            self._paper.set_xy(MARGIN, self._paper.y + high)
        self._paper.set_xy(MARGIN, self._paper.y + 1.5)

    def _heads(self, *, is_repeated: bool) -> None:
        high = self._height(self._grid.heads, bold=True)
        if not is_repeated and high + 12 > self._paper.left:
            self._paper.add_page()
            self._paper.set_xy(MARGIN, MARGIN)
        self._ground(high, None)
        if is_repeated:
            with self._paper.decoration():
                for at, head in enumerate(self._grid.heads):
                    self._cell(at, head, bold=True)
        else:
            line = self._paper.tree.add("TR", self._paper.page, self._element)
            for at, head in enumerate(self._grid.heads):
                element = self._paper.tree.add(
                    "TH", self._paper.page, line, a="<</O /Table /Scope /Column>>"
                )  # fmt: skip
                with self._paper.part(element):
                    self._cell(at, head, bold=True)
        with self._paper.decoration():
            self._paper.colour(QUIET)
            self._paper.line(MARGIN, self._paper.y + high, MARGIN + self._paper.epw, self._paper.y + high)
        self._paper.set_xy(MARGIN, self._paper.y + high)

    def _height(self, cells: Sequence[str], *, bold: bool = False) -> float:
        lines = (
            self._paper.lines_of(self._widths[at] - 2 * _PADDING, cell, size=self._size, bold=bold)
            for at, cell in enumerate(cells)
        )
        return max(lines) * self._paper.leading(self._size) + 2 * _PADDING

    def _ground(self, high: float, colour: Rgb | None) -> None:
        with self._paper.decoration():
            if colour:
                self._paper.colour(colour)
                self._paper.rect(MARGIN, self._paper.y, self._paper.epw, high, style="F")
            self._paper.colour(LINE)
            self._paper.line(MARGIN, self._paper.y + high, MARGIN + self._paper.epw, self._paper.y + high)

    def _cell(self, at: int, text: str, *, bold: bool = False) -> None:
        """Without moving down: the row knows how high it is."""
        y = self._paper.y
        side: Side = "L" if at == 0 or at in self._grid.texts else "R"
        x = MARGIN + sum(self._widths[:at]) + _PADDING
        self._paper.block(
            x, y + _PADDING, self._widths[at] - 2 * _PADDING, text, size=self._size, bold=bold, align=side
        )  # fmt: skip
        self._paper.set_xy(MARGIN, y)


def _logo(content: bytes) -> Image.Image | None:
    """The picture, or nothing where it is none, or too large to unpack: a report does not fail for its logo."""
    if not content:
        return None
    try:
        found = Image.open(io.BytesIO(content), formats=("PNG",))
        if found.width * found.height > _MOST_DOTS:
            return None
        found.load()
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
    return found.convert("RGBA")
