"""In which of the realm's languages the desk says its own words: questions, options, statuses, names of categories.

The words themselves are in the realm's first language; ``words`` beside them holds those in others. What was not
translated is said in the first language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Words = Mapping[str, Mapping[str, Any]]
"""By language, what stands in place of which text: ``{"de": {"label": "Störung"}}``."""

_spoken: ContextVar[str] = ContextVar("desk_language", default="")


def spoken() -> str:
    """The language of whoever is answered; "" for the realm's first."""
    return _spoken.get()


@contextmanager
def speak(language: str) -> Iterator[None]:
    """Say everything in this language ("": the realm's first, as whoever writes the words needs them)."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def fitting(known: Sequence[str], wanted: Iterable[str]) -> str:
    """The first wanted language that a realm speaks, "de-AT" by "de" too; "" for its first, and for none of them."""
    for tag in wanted:
        for each in (tag, tag.partition("-")[0]):
            found = next((one for one in known if one.lower() == each.lower()), None)
            if found is not None:
                return "" if found == known[0] else found
    return ""


def told(words: Words | None, name: str, otherwise: str) -> str:
    """One text in the language spoken."""
    return str(((words or {}).get(spoken()) or {}).get(name) or otherwise)
