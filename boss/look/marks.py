"""A state as people see it: an icon, a word and a tone, always the three together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

Tone = Literal["ok", "busy", "wait", "bad", "undo", "idle"]


@dataclass(frozen=True, slots=True)
class Mark:
    """``icon`` is a name of the sprite, ``tone`` one of the six of tokens.css."""

    word: str | Promise
    icon: str
    tone: Tone = "idle"
