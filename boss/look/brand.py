"""The realm's one colour as a small stylesheet of CSS variables. No word of the realm's text ever enters it."""

from __future__ import annotations

import hashlib

from boss.core import colours


def stylesheet(colour: str) -> str:
    """CSS that sets the ``--boss-brand*`` variables of tokens.css for both modes, from checked hex digits only."""
    light = colours.shades(colour, colours.LIGHT_SURFACES)
    dark = colours.shades(colour, colours.DARK_SURFACES)
    pairs = {
        "brand": (light.fill, dark.fill),
        "brand-fg": (light.on_fill, dark.on_fill),
        "brand-hover": (light.hover, dark.hover),
        "brand-hover-fg": (light.on_hover, dark.on_hover),
        "brand-text": (light.text, dark.text),
        "brand-edge": (light.edge, dark.edge),
    }
    lines = [f"  --boss-{name}: light-dark({one}, {other});" for name, (one, other) in pairs.items()]
    return ":root {\n" + "\n".join(lines) + "\n}\n"


def version(colour: str) -> str:
    """Short name of the stylesheet's content: it goes into the address, so a new colour is seen at once."""
    return hashlib.sha256(stylesheet(colour).encode()).hexdigest()[:12]
