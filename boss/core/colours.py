"""Colour arithmetic for brands: WCAG contrast, and a text-safe variant of any colour a realm may choose."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

Rgb = tuple[int, int, int]

# What a text-safe colour must reach. WCAG AA asks 4.5:1; the rest is room for rounding and anti-aliasing.
TEXT_CONTRAST = 4.6
# What the edge of a control must reach against what lies around it (WCAG 1.4.11).
EDGE_CONTRAST = 3.0

# The surfaces of tokens.css on which brand-coloured text stands; a test compares the two files.
LIGHT_SURFACES = ("#ffffff", "#f5f7fa", "#edf1f6")
DARK_SURFACES = ("#0f141c", "#171e29", "#212b39")
FALLBACK = "#1f5fbf"

_HEX = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def parse(text: str) -> Rgb | None:
    """``#rgb`` or ``#rrggbb`` as three numbers; None for anything else, however cleverly written."""
    match = _HEX.fullmatch(text.strip())
    if match is None:
        return None
    digits = match[1]
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_hex(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def luminance(rgb: Rgb) -> float:
    """Relative luminance as WCAG 2.2 defines it, 0 for black to 1 for white."""

    def linear(value: int) -> float:
        share = value / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(value) for value in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def on(background: Rgb) -> Rgb:
    """Black or white, whichever reads better on ``background``; the better one always reaches 4.58:1."""
    black, white = (0, 0, 0), (255, 255, 255)
    return white if contrast(white, background) >= contrast(black, background) else black


def _lowest(colour: Rgb, surfaces: list[Rgb]) -> float:
    return min(contrast(colour, surface) for surface in surfaces)


def text_safe(colour: Rgb, surfaces: list[Rgb], wanted: float = TEXT_CONTRAST) -> Rgb:
    """``colour`` itself when it reads on every surface, else its nearest darker (or lighter) sibling that does.

    Hue and saturation stay; only the lightness moves, away from the surfaces, until the contrast is reached.
    """
    if _lowest(colour, surfaces) >= wanted:
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    away = -1 if luminance(surfaces[0]) > 0.18 else 1
    for step in range(1, 257):
        moved = min(1.0, max(0.0, lightness + away * step / 256))
        red, green, blue = colorsys.hls_to_rgb(hue, moved, saturation)
        candidate = (round(red * 255), round(green * 255), round(blue * 255))
        if _lowest(candidate, surfaces) >= wanted:
            return candidate
    return (0, 0, 0) if away < 0 else (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Shades:
    """One brand colour made usable in one mode. ``edge`` outlines a filled control that would melt into the page."""

    fill: str
    on_fill: str
    hover: str
    on_hover: str
    text: str
    edge: str


def _hover(fill: Rgb) -> Rgb:
    """A tenth towards black, or towards white for what is nearly black already."""
    if luminance(fill) < 0.03:
        return tuple(round(value + (255 - value) * 0.18) for value in fill)  # type: ignore[return-value]
    return tuple(round(value * 0.88) for value in fill)  # type: ignore[return-value]


def shades(colour: str, surfaces: tuple[str, ...]) -> Shades:
    """The shades of ``colour`` on ``surfaces``; an unreadable value falls back to BOSS's own blue."""
    fill = parse(colour) or parse(FALLBACK)
    assert fill is not None
    grounds = [rgb for surface in surfaces if (rgb := parse(surface)) is not None]
    hover = _hover(fill)
    return Shades(
        fill=to_hex(fill),
        on_fill=to_hex(on(fill)),
        hover=to_hex(hover),
        on_hover=to_hex(on(hover)),
        text=to_hex(text_safe(fill, grounds)),
        edge=to_hex(text_safe(fill, grounds, EDGE_CONTRAST)),
    )


def mixed(colour: Rgb, share: float) -> Rgb:
    """So much of ``colour`` (0 to 1) on white."""
    return tuple(round(255 + (value - 255) * share) for value in colour)  # type: ignore[return-value]
