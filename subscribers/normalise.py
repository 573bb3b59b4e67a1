"""Comparable forms of what people type: names, phones, addresses. Pure; the same for storing and for searching."""

from __future__ import annotations

import re
import unicodedata

from boss.tenancy.selectors import normalise_address

_FOLDED = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"})
LONGEST_WORD = 40


def name_words(name: str) -> list[str]:
    """Lower case, no accents, no punctuation: ``"O'Brien, María-José"`` → ``["obrien", "maria", "jose"]``."""
    text = unicodedata.normalize("NFKD", name.casefold().translate(_FOLDED))
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    text = re.sub(r"['’`´.]", "", text)
    return [word[:LONGEST_WORD] for word in re.findall(r"[^\W_]+", text)]


def name_keys(name: str) -> tuple[str, str]:
    """The name in both orders: as written, and with the last word in front."""
    words = name_words(name)
    return " ".join(words)[:200], " ".join([*words[-1:], *words[:-1]])[:200]


def phone_digits(phone: str) -> str:
    """Digits only, at most 15 (E.164). ``"+1 (555) 010-0123"`` → ``"15550100123"``."""
    return re.sub(r"\D", "", phone)[:15]


def address_keys(street: str, unit: str = "") -> tuple[str, str]:
    """The street in both orders: ``("412 elm st", "elm st 412")``; a unit comes last."""
    text = normalise_address(street)
    tail = f" #{normalise_address(unit).removeprefix('#')}" if unit.strip() else ""
    number, _space, rest = text.partition(" ")
    if rest and number[:1].isdigit():
        return f"{text}{tail}"[:200], f"{rest} {number}{tail}"[:200]
    return f"{text}{tail}"[:200], f"{text}{tail}"[:200]


def deletions(word: str) -> set[str]:
    """The word and every form of it with one letter left out."""
    return {word} | {word[:at] + word[at + 1 :] for at in range(len(word))}


def is_one_edit_away(left: str, right: str) -> bool:
    """One letter inserted, left out, replaced, or two neighbours swapped (or equal)."""
    if left == right:
        return True
    if abs(len(left) - len(right)) > 1:
        return False
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    a, b = left[start:], right[start:]
    if a[1:] == b[1:] or a[1:] == b or a == b[1:]:
        return True
    return len(a) == len(b) and a[:2] == b[1::-1] and len(a) >= 2 and a[2:] == b[2:]
