"""What people typed, made fit for paper: nothing in it turns the direction of a page, grows without end or vanishes."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 400
"""Characters of one sentence or cell; a longer one ends with an ellipsis."""
UNKNOWN = "\ufffd"
"""Stands where no font has the character."""

# Marks that turn the direction of writing, and the byte order mark. Joiners stay: letters are shaped by them.
_TURNING = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NOBODYS = re.compile("[\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]")
"""Halves of characters, and those of private use."""
_JOINERS = "\u200c\u200d"
_JOINING = f"{_JOINERS}\ufe00-\ufe0f"
_RIGHT_TO_LEFT = ("R", "AL")


def clean(text: str, longest: int = LONGEST) -> str:
    """One line without control characters, halves of characters and characters of nobody's."""
    text = _NOBODYS.sub(UNKNOWN, _TURNING.sub("", text[: longest * 4]))
    text = unicodedata.normalize("NFC", "".join(" " if _is_blank(each) else each for each in text))
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _is_blank(each: str) -> bool:
    return unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp") and each not in _JOINERS


def without_unknown(text: str, known: frozenset[int]) -> str:
    """The same with one sign for each run of characters (an emoji with its joiners) that no font has."""
    marked = "".join(each if ord(each) in known else UNKNOWN for each in text)
    return re.sub(f"{UNKNOWN}(?:[{_JOINING}]*{UNKNOWN})+", UNKNOWN, marked)


def is_from_right(text: str) -> bool:
    """Whether it is read from right to left: its first letter says so."""
    for each in text:
        direction = unicodedata.bidirectional(each)
        if direction in _RIGHT_TO_LEFT:
            return True
        if direction == "L":
            return False
    return False


def is_shaped(text: str) -> bool:
    """Whether its letters change with their neighbours or their order: the fast way of setting would break them."""
    return any(
        ord(each) > 0x2FF
        and (
            unicodedata.bidirectional(each) in ("R", "AL", "AN", "NSM")
            or unicodedata.combining(each) != 0
            or 0x900 <= ord(each) < 0x10A0
            or 0x1780 <= ord(each) < 0x1800
        )
        for each in text
    )
