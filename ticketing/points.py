"""The points of a category's checklist, as they stand in its versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput

MOST = 30
LONGEST = 200
_WORDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Point:
    """One point: ``key`` stays when its words change; a ``required`` one is done before a ticket is resolved."""

    key: str
    text: str
    required: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def read(given: Iterable[Point | Mapping[str, Any]]) -> list[Point]:
    """Points as they are kept; one without a key gets one made of its words. Raises InvalidInput with ``checklist``."""
    found: list[Point] = []
    taken: set[str] = set()
    for one in given:
        raw = one.to_json() if isinstance(one, Point) else dict(one)
        text, key = raw.get("text"), raw.get("key") or ""
        if not isinstance(text, str) or not isinstance(key, str) or raw.keys() - {"key", "text", "required"}:
            raise InvalidInput(fields={"checklist": [_("A point has a text, and may be required.")]})
        text = " ".join(text.split())
        if not text or len(text) > LONGEST:
            raise InvalidInput(fields={"checklist": [_("Each point has a text of at most %(n)s characters.")
                                                     % {"n": LONGEST}]})  # fmt: skip
        key = _free(key[:40] or _WORDS.sub("_", text.lower()).strip("_")[:36] or "point", taken)
        taken.add(key)
        found.append(Point(key, text, raw.get("required") is True))
    if len(found) > MOST:
        raise InvalidInput(fields={"checklist": [_("At most %(n)s points.") % {"n": MOST}]})
    return found


def _free(key: str, taken: set[str]) -> str:
    wanted, number = key, 2
    while wanted in taken:
        wanted, number = f"{key[:36]}_{number}", number + 1
    return wanted
