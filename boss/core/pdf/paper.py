"""Pages with our fonts, on which every mark is either part of what is read out or set aside as decoration."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.prefs import ViewerPreferences

from boss.core.colours import Rgb
from boss.core.pdf.lettering import clean, is_from_right, is_shaped, without_unknown
from boss.core.pdf.tags import Element, Tree

INK: Rgb = (24, 33, 45)
QUIET: Rgb = (76, 90, 108)
LINE: Rgb = (217, 224, 232)

MARGIN = 15.0
_BELOW = 18.0
_FONTS = Path(__file__).parent / "fonts"
_FAMILY = "boss"
_PAGES = "\ue000"
"""Stands for the number of pages until it is known. A private character: nothing that people typed holds it."""

Side = Literal["L", "C", "R"]


class Paper(FPDF):
    """A4 pages in millimetres. ``made`` stands at the foot of each, ``created_at`` in the file: nothing reads a clock,
    so the same content gives the same bytes."""

    def __init__(
        self, *, title: str, author: str, language: str, made: str, created_at: dt.datetime, wide: bool = False
    ) -> None:
        super().__init__(orientation="landscape" if wide else "portrait", unit="mm", format="A4")
        self.tree = Tree(self.pages)  # type: ignore[arg-type]
        self.struct_builder = self.tree
        self._made = made
        self._more: list[str] | None = None
        self._known: dict[str, frozenset[int]] = {}
        self.set_title(clean(title))
        self.set_author(clean(author))
        self.set_creator("BOSS")
        self.set_lang(language)
        self.set_creation_date(created_at)
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self.alias_nb_pages(_PAGES)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0
        self.add_font(_FAMILY, "", str(_FONTS / "DejaVuSans.ttf"))
        self.add_font(_FAMILY, "B", str(_FONTS / "DejaVuSans-Bold.ttf"))
        self.set_font(_FAMILY, "", 9)
        self.add_page()

    # Letters

    def _ready(self, text: str, size: float, bold: bool) -> str:
        """Set font, fallbacks and shaping for this text; gives back what of it can be set."""
        self.set_font(_FAMILY, "B" if bold else "", size)
        if all(ord(each) in self._known_of(_FAMILY + ("B" if bold else "")) for each in text):
            self.set_fallback_fonts([])
        else:
            if self._more is None and any(ord(each) not in self._known_of(_FAMILY) for each in text):
                self._load_more()
            self.set_fallback_fonts([_FAMILY, *(self._more or [])], exact_match=False)
            known = frozenset().union(*(self._known_of(key) for key in (_FAMILY, *(self._more or []))))
            text = without_unknown(text, known)
        self.set_text_shaping(is_shaped(text))
        return text

    def _known_of(self, key: str) -> frozenset[int]:
        """The characters of one of the fonts."""
        if key not in self._known:
            self._known[key] = frozenset(self.fonts[key].cmap)  # type: ignore[union-attr]
        return self._known[key]

    def _load_more(self) -> None:
        """The operator's own fonts, for scripts that ours does not have; large, so only when a text needs them."""
        self._more = []
        for path in more_fonts():
            key = f"more{len(self._more)}x"
            self.add_font(key, "", str(path))
            self._more.append(key)

    def width_of(self, text: str, *, size: float, bold: bool = False) -> float:
        """Millimetres of a text on one line."""
        return float(self.get_string_width(self._ready(clean(text), size, bold)))

    def word(
        self, x: float, y: float, width: float, text: str, *, size: float, bold: bool = False, colour: Rgb = INK,
        align: Side = "L",
    ) -> None:  # fmt: skip
        """A text on one line, with an ellipsis where it does not fit. Moves nothing else."""
        text = self._ready(clean(text), size, bold)
        if not text:
            return
        if self.get_string_width(text) > width:
            low, high = 0, len(text)
            while low < high:
                middle = (low + high + 1) // 2
                low, high = (middle, high) if self.get_string_width(f"{text[:middle]}…") <= width else (low, middle - 1)
            text = f"{text[:low]}…"
        self.set_text_color(*colour)
        self.set_xy(x, y)
        self.cell(width, size * 0.45, text, align=align)

    def lines_of(self, width: float, text: str, *, size: float, bold: bool = False) -> int:
        """How many lines :meth:`block` takes."""
        text = self._ready(clean(text), size, bold)
        if not text or self.get_string_width(text) <= width * 0.98:
            return 1
        found = self.multi_cell(width, self.leading(size), text, dry_run=True, output="LINES", wrapmode=WrapMode.WORD)
        return max(1, len(found))  # type: ignore[arg-type]

    def block(
        self, x: float, y: float, width: float, text: str, *, size: float, bold: bool = False, colour: Rgb = INK,
        align: Side = "L",
    ) -> None:  # fmt: skip
        """A text on as many lines as it takes; a word longer than a line is broken. What is read from the right
        stands at the right."""
        text = self._ready(clean(text), size, bold)
        if not text:
            return
        self.set_text_color(*colour)
        self.set_xy(x, y)
        side: Side = "R" if align == "L" and is_from_right(text) else align
        self.multi_cell(
            width, self.leading(size), text, align=side, new_x=XPos.LEFT, new_y=YPos.NEXT, wrapmode=WrapMode.WORD
        )

    @staticmethod
    def leading(size: float) -> float:
        """Millimetres from one line to the next."""
        return size * 0.45

    def colour(self, rgb: Rgb) -> None:
        """For lines and areas alike."""
        self.set_draw_color(*rgb)
        self.set_fill_color(*rgb)

    # What is read out, and what is not

    @contextmanager
    def part(self, element: Element) -> Iterator[None]:
        """What is drawn here belongs to ``element``; it must stay on one page."""
        mark, in_tree = self.tree.mark(element, self.page)
        self.pages[self.page].struct_parents = in_tree
        self._set_min_pdf_version("1.7")
        self._out(f"{element.s} <</MCID {mark}>> BDC")
        yield
        self._out("EMC")

    @contextmanager
    def decoration(self) -> Iterator[None]:
        """What is drawn here is not read out."""
        self._out("/Artifact BMC")
        yield
        self._out("EMC")

    # Pages

    @property
    def left(self) -> float:
        """Millimetres from here to the end of what may be written on the page."""
        return float(self.h - _BELOW - self.y)

    def footer(self) -> None:
        """Who made it when, and which page of how many."""
        y = self.h - 12
        with self.decoration():
            self.set_line_width(0.2)
            self.colour(LINE)
            self.line(MARGIN, y - 2, self.w - MARGIN, y - 2)
            self.word(MARGIN, y, self.epw - 40, self._made, size=7.5, colour=QUIET)
            self.set_font(_FAMILY, "", 7.5)
            self.set_text_shaping(False)
            self.set_fallback_fonts([])
            self.set_text_color(*QUIET)
            self.set_xy(self.w - MARGIN - 40, y)
            told = _("Page %(n)s of %(all)s") % {"n": self.page, "all": _PAGES}
            self.cell(40, 3.4, told, align="R")

    def content(self) -> bytes:
        """The finished file."""
        return bytes(self.output())


@functools.cache
def _fonts_in(folder: str) -> tuple[Path, ...]:
    found = Path(folder)
    return tuple(sorted(each for each in found.iterdir() if each.suffix.lower() in (".ttf", ".otf")))


def more_fonts() -> tuple[Path, ...]:
    """The fonts of the folder that the operator names (``BOSS_PDF_FONTS``), by name."""
    return _fonts_in(settings.BOSS_PDF_FONTS) if settings.BOSS_PDF_FONTS else ()
