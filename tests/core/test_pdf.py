"""PDFs read back: what stands on the pages, what a screen reader is told, and what hostile words cannot do."""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from boss.core.pdf import paper, scales
from boss.core.pdf.document import Document, Grid, Letterhead
from boss.core.pdf.lettering import LONGEST, clean, is_from_right, is_shaped
from boss.core.pdf.pictures import Drawn, Picture

NOW = dt.datetime(2026, 11, 30, 14, 5, tzinfo=dt.UTC)
BLUE = (31, 95, 191)


def begun(title: str = "Volume", **given_: Any) -> Document:
    letterhead = Letterhead("Three Lakes", "#f5b301", given_.pop("logo", b""), "Fast & near")
    return Document(
        title=title, letterhead=letterhead, language="en", made="Made for Alice Able", created_at=NOW, **given_
    )  # fmt: skip


def read(document: Document) -> PdfReader:
    return PdfReader(io.BytesIO(document.content()))


def texts(reader: PdfReader) -> list[str]:
    return [page.extract_text() for page in reader.pages]


def elements(reader: PdfReader) -> list[Any]:
    """Everything in the tree that a screen reader walks, from top to bottom."""
    found: list[Any] = []

    def walk(node: Any) -> None:
        node = node.get_object()
        if isinstance(node, dict):
            found.append(node)
            for kid in node.get("/K", []) if isinstance(node.get("/K", []), list) else [node["/K"]]:
                if not isinstance(kid, int):
                    walk(kid)

    walk(reader.trailer["/Root"]["/StructTreeRoot"]["/K"][0])  # type: ignore[index]
    return found


def long_table() -> Document:
    document = begun()
    document.paragraph("Are we keeping up?")
    document.heading("More came in than before")
    document.picture(
        Picture("bars", ["Mon", "Tue"], [Drawn("Came in", BLUE, [3, 5])], "Three on Monday, five on Tuesday")
    )
    rows = [[f"Day {at}", str(at * 7), "Network"] for at in range(120)]
    document.table(Grid("Over time", ["", "Came in", "Pool"], rows, frozenset({2}), "The first 120 of 400 rows."))
    return document


def test_a_long_table_goes_on_with_its_heads_and_pages_are_numbered() -> None:
    pages = texts(read(long_table()))
    assert len(pages) > 2
    for number, page in enumerate(pages, 1):
        assert "Came in" in page and f"Page {number} of {len(pages)}" in page and "Made for Alice Able" in page
    in_all = "\n".join(pages)
    assert all(in_all.count(f"Day {at} {at * 7} Network") == 1 for at in range(120)), (
        "no row is lost at the end of a page, or twice there"
    )
    assert "The first 120 of 400 rows." in pages[-1] and "Three Lakes" in pages[0] and "Fast & near" in pages[0]


def test_the_same_content_is_the_same_file() -> None:
    assert long_table().content() == long_table().content()


def test_a_screen_reader_is_told_headings_figures_and_which_head_a_number_has() -> None:
    reader = read(long_table())
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "en" and root["/MarkInfo"]["/Marked"] and root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None and reader.metadata.title == "Volume"
    found = elements(reader)
    kinds = [each["/S"] for each in found]
    assert kinds.count("/H1") == 1 and kinds.count("/H2") == 1 and kinds.count("/Table") == 1
    assert [each["/Alt"] for each in found if each["/S"] == "/Figure"] == ["Three on Monday, five on Tuesday"]
    assert kinds.count("/TR") == 121 and kinds.count("/TD") == 240, "repeated heads are not read out again"
    scopes = [each["/A"]["/Scope"] for each in found if each["/S"] == "/TH"]
    assert scopes.count("/Column") == 3 and scopes.count("/Row") == 120
    marked = [
        each for each in found if isinstance(each.get("/K"), list) and any(isinstance(k, int) for k in each["/K"])
    ]
    assert marked and all(each["/Pg"]["/Type"] == "/Page" for each in marked)


def test_pictures_are_lines_and_areas_and_nothing_is_an_image() -> None:
    document = begun(wide=True)
    for kind in ("lines", "band", "bars", "pareto", "rows", "heat"):
        series = [
            Drawn("Half", BLUE, [60, None, 0], "seconds"),
            Drawn(
                "Ninety", (1, 2, 3), [7200, 90000, -5], "seconds", as_line=kind == "pareto", on_right=kind == "lines"
            ),
        ]
        document.picture(Picture(kind, ["Mon", "A pool with quite a long name of its own " * 3, "Wed"], series, kind))  # type: ignore[arg-type]
    five = [Drawn(name, BLUE, [at * 60.0, None], "seconds") for at, name in enumerate("abcde")]
    document.picture(Picture("box", ["Fault", "Office"], five, "box"))
    document.picture(Picture("bars", [], [], "nothing at all"))
    reader = read(document)
    assert sum(len(page.images) for page in reader.pages) == 0
    assert [each["/Alt"] for each in elements(reader) if each["/S"] == "/Figure"] == [
        "lines", "band", "bars", "pareto", "rows", "heat", "box",
    ]  # fmt: skip
    drawn = "".join(page.get_contents().get_data().decode("latin-1") for page in reader.pages)  # type: ignore[union-attr]
    assert drawn.count(" re f") > 15 and drawn.count(" l") > 50


HOSTILE = (
    "=HYPERLINK(1)", "W" * 500, "\x00\x07\x1b[2J", "\u202eevil\u202c", "\ud800 half", "( ) \\ << >> endstream",
    "{nb} \ue000 **bold** __x__", "😀👩\u200d👩\u200d👧 🏳️\u200d🌈", "日本語 ไทย नमस्ते", "line\nbreak\ttab", "",
    " ", "a\u0301" * 300,
)  # fmt: skip


def test_no_word_breaks_a_page() -> None:
    document = begun("".join(HOSTILE))
    for each in HOSTILE:
        document.heading(each)
        document.paragraph(each)
    document.table(Grid("x", HOSTILE[:5], [HOSTILE[:5], HOSTILE[5:10]]))
    document.table(Grid("wide", HOSTILE, [HOSTILE, HOSTILE]))
    document.picture(Picture("rows", HOSTILE, [Drawn(HOSTILE[0], BLUE, [1] * len(HOSTILE))], "".join(HOSTILE[:4])))
    read_back = "\n".join(texts(read(document)))
    assert "=HYPERLINK(1)" in read_back and "{nb}" in read_back and "**bold** __x__" in read_back
    assert "endstream" in read_back and "evil" in read_back and "half" in read_back
    assert "\u202e" not in read_back and "\x1b" not in read_back and "\ue000" not in read_back


def test_arabic_and_hebrew_are_joined_and_run_from_right_to_left() -> None:
    document = begun()
    document.paragraph("مرحبا بالعالم")
    document.paragraph("שלום 123")
    reader = read(document)
    # Whether a program that reads back turns words from the right round is its own affair.
    page = unicodedata.normalize("NFKC", reader.pages[0].extract_text())
    assert any(word in page for word in ("مرحبا", "مرحبا"[::-1])) and any(
        word in page for word in ("שלום", "שלום"[::-1])
    )
    assert "123" in page and "�" not in page
    assert is_from_right("123 שלום") and not is_from_right("abc שלום")
    assert is_shaped("مرحبا") and is_shaped("नमस्ते") and not is_shaped("Müller, Żółć, Ελλάδα, Київ — 5 €")


def test_what_no_font_has_is_a_sign_until_the_operator_names_a_font(settings, tmp_path) -> None:
    document = begun()
    document.paragraph("Box 日本 end")
    assert "Box � end" in read(document).pages[0].extract_text()
    settings.BOSS_PDF_FONTS = str(tmp_path)
    (tmp_path / "more.ttf").write_bytes((paper._FONTS / "DejaVuSans.ttf").read_bytes())
    (tmp_path / "notes.txt").write_text("no font")
    assert [each.name for each in paper.more_fonts()] == ["more.ttf"]
    document = begun()
    document.paragraph("Box 日本 end")
    assert "Box � end" in read(document).pages[0].extract_text(), "a font without it changes nothing"


def png(width: int, height: int) -> bytes:
    held = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 30, 30, 255)).save(held, "PNG")
    return held.getvalue()


@pytest.mark.parametrize(
    ("logo", "shown"),
    [
        (png(60, 20), True), (b"", False), (b"\x89PNG\r\n\x1a\nbroken", False), (b"GIF89a", False),
        (png(60, 20)[:80], False), (png(4000, 1001), False),
    ],
)  # fmt: skip
def test_a_logo_is_shown_and_a_broken_or_huge_one_is_left_out(logo: bytes, shown: bool) -> None:
    page = read(begun(logo=logo)).pages[0]
    assert bool(page.images) is shown and "Three Lakes" in page.extract_text()


@given(st.text(max_size=60) | st.text(alphabet="\u202e\ud800\x00\ue000é\u0301 a", max_size=40))
def test_what_is_cleaned_is_one_line_that_turns_nothing(text: str) -> None:
    found = clean(text, 40)
    assert len(found) <= 40 <= LONGEST
    assert all(unicodedata.category(each) not in ("Cc", "Cs", "Co", "Zl", "Zp") for each in found)
    assert not set(found) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert clean(found, 40) == found


@pytest.mark.parametrize(
    ("most", "unit", "step", "top", "word"),
    [
        (0, "count", 1, 1, "1"), (7, "count", 2, 8, "8"), (61_000, "count", 20_000, 80_000, "80k"),
        (50, "percent", 25, 100, "100 %"), (2220, "seconds", 600, 2400, "40 min"),
        (90_000, "seconds", 21_600, 108_000, "30 h"), (45, "seconds", 15, 45, "45 s"),
    ],
)  # fmt: skip
def test_axes_have_round_steps(most: float, unit: Any, step: float, top: float, word: str) -> None:
    assert (scales.step_of(most, unit), scales.top_of(most, unit)) == (step, top)
    assert scales.said(top, unit) == word
