"""What somebody means by what was typed into the search box. Pure: one box, one reading per shape of text.

An identifier of a further kind (a circuit id, a serial number) is one more reading here and one more index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from boss.tenancy.selectors import normalise_address
from subscribers.normalise import name_words, phone_digits

Shape = Literal["nothing", "number", "digits", "email", "address", "name"]
SHORTEST = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """``shape`` and the text in the comparable form of that shape."""

    shape: Shape
    text: str = ""


def read(typed: str) -> Reading:
    """Classify ``typed``. ``A-10001`` number; digits in any spelling; ``name@``; ``412 Elm``; else a name."""
    text = " ".join(typed.split())[:100]
    if match := re.fullmatch(r"[aA]-?(\d{1,15})", text):
        return Reading("number", f"A-{match[1]}")
    if re.fullmatch(r"[+(]?[\d ().\-/]+", text) and phone_digits(text):
        return Reading("digits", phone_digits(text))
    if "@" in text:
        return Reading("email", text.lower())
    if re.match(r"\d+[a-zA-Z]?\s+\w", text) or re.fullmatch(r"\D+\s\d+\w?", text):
        return Reading("address", _number_first(normalise_address(text)))
    words = name_words(text)
    if sum(map(len, words)) < SHORTEST:
        return Reading("nothing")
    return Reading("name", " ".join(words))


def _number_first(address: str) -> str:
    """``elm st 412`` → ``412 elm st``."""
    words = address.split()
    if words and not words[0][:1].isdigit() and words[-1][:1].isdigit():
        words = [words[-1], *words[:-1]]
    return " ".join(words)


def end_of_prefix(text: str) -> str:
    """The least text after everything that begins with ``text``, in byte order: for ``key >= text AND key < end``."""
    return f"{text}\U0010ffff"
