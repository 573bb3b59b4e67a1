"""What a definition names that stands elsewhere in its realm: pools, categories, calendars, other definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boss.core.calendars import BusinessCalendar


@dataclass(frozen=True, slots=True)
class Surroundings:
    """By key, all that is there. ``documents`` are the current versions of definitions that are not archived."""

    pools: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, BusinessCalendar] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
