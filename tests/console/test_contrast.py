"""Every text of the product can be read, in light and dark, whatever colour a realm chooses."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boss.core import colours
from boss.core.colours import DARK_SURFACES, LIGHT_SURFACES, contrast, parse
from boss.look import brand

STATIC = Path(__file__).resolve().parents[2] / "boss" / "static"
TOKENS = (STATIC / "css" / "tokens.css").read_text()

# Colours chosen to break things: the extremes, the mid greys where neither black nor white is easy, the brightest.
HOSTILE = (
    "#000000", "#ffffff", "#767676", "#777777", "#808080", "#f5b301", "#ff69b4",
    "#00ff00", "#ffff00", "#0000ff", "#ff0000", "#01a0a0",
)  # fmt: skip


def token(name: str, mode: str) -> str:
    match = re.search(rf"--boss-{name}: (?:light-dark\((#\w+), (#\w+)\)|(#\w+));", TOKENS)
    assert match, name
    return match[3] or match[1 if mode == "light" else 2]


def ratio(one: str, other: str) -> float:
    first, second = parse(one), parse(other)
    assert first and second
    return contrast(first, second)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_surfaces_of_the_stylesheet_are_those_the_colour_maths_uses(mode: str) -> None:
    surfaces = LIGHT_SURFACES if mode == "light" else DARK_SURFACES
    assert {token(name, mode) for name in ("surface", "page", "raised")} == set(surfaces)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("text", ["text", "text-quiet", "brand-text", "bad", "ok", "wait", "busy", "idle", "undo"])
@pytest.mark.parametrize("ground", ["surface", "page", "raised"])
def test_text_reads_on_every_surface(mode: str, text: str, ground: str) -> None:
    assert ratio(token(text, mode), token(ground, mode)) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("tone", ["ok", "busy", "wait", "bad", "idle", "undo"])
def test_status_words_read_on_their_own_tint(mode: str, tone: str) -> None:
    assert ratio(token(tone, mode), token(f"{tone}-bg", mode)) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_ordinary_text_reads_on_every_tint(mode: str) -> None:
    for tone in ("ok", "busy", "wait", "bad", "idle", "undo"):
        assert ratio(token("text", mode), token(f"{tone}-bg", mode)) >= 4.5
        assert ratio(token("text-quiet", mode), token(f"{tone}-bg", mode)) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_edges_of_controls_and_the_danger_button_are_seen(mode: str) -> None:
    for ground in ("surface", "page"):
        assert ratio(token("control-line", mode), token(ground, mode)) >= 3
    assert ratio(token("danger-fg", mode), token("danger", mode)) >= 4.5


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_is_drawn_stands_out_from_its_card(mode: str) -> None:
    for number in range(1, 9):
        assert ratio(token(f"chart-{number}", mode), token("surface", mode)) >= 3


@pytest.mark.parametrize("colour", HOSTILE)
@pytest.mark.parametrize("surfaces", [LIGHT_SURFACES, DARK_SURFACES], ids=["light", "dark"])
def test_a_hostile_brand_colour_stays_readable(colour: str, surfaces: tuple[str, ...]) -> None:
    shades = colours.shades(colour, surfaces)
    assert shades.fill == colour, "the brand's own colour is kept for large fills"
    assert ratio(shades.on_fill, shades.fill) >= 4.5
    assert ratio(shades.on_hover, shades.hover) >= 4.5
    assert all(ratio(shades.text, surface) >= 4.6 for surface in surfaces)
    assert all(ratio(shades.edge, surface) >= 3 for surface in surfaces)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_any_colour_at_all_stays_readable(rgb: tuple[int, int, int]) -> None:
    for surfaces in (LIGHT_SURFACES, DARK_SURFACES):
        shades = colours.shades(colours.to_hex(rgb), surfaces)
        assert ratio(shades.on_fill, shades.fill) >= 4.5
        assert ratio(shades.on_hover, shades.hover) >= 4.5
        assert all(ratio(shades.text, surface) >= 4.6 for surface in surfaces)


@given(st.text(max_size=60))
def test_what_is_not_a_colour_never_enters_the_stylesheet(text: str) -> None:
    css = brand.stylesheet(text)
    assert re.fullmatch(r":root \{\n(  --boss-brand[a-z-]*: light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\);\n){6}\}\n", css)


def test_the_hostile_word_falls_back_to_our_blue() -> None:
    css = brand.stylesheet("red;} body{display:none")
    assert "display" not in css and colours.FALLBACK in css


def test_only_the_token_file_decides_colours() -> None:
    """A colour written anywhere else would escape the tests above."""
    for path in (STATIC / "css").glob("*.css"):
        if path.name != "tokens.css":
            found = re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", path.read_text())
            assert not found, f"{path.name}: {found}"


def test_vendored_files_are_those_that_were_checked_in() -> None:
    page = (STATIC / "vendor" / "VENDOR.md").read_text()
    listed = re.findall(r"\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|", page)
    assert len(listed) >= 3
    for name, digest in listed:
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name
