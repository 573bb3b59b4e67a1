"""How much of somebody's capacity a ticket takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST = 20


def weight(weights: Mapping[str, Any], *, priority: int, category: str) -> int:
    """The heavier of what the pool says of its priority and of its category; 1 where it says nothing."""
    by_priority = weights.get("priority", {}).get(str(priority), 1)
    by_category = weights.get("category", {}).get(category, 1)
    return max(int(by_priority), int(by_category))
