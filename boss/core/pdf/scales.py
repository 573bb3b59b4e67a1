"""Axes: round steps that people count in, up to what is drawn."""

from __future__ import annotations

import math
from typing import Literal

Unit = Literal["count", "seconds", "percent"]

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LENGTHS = (
    1, 5, 15, 30, _MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR,
    4 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY, 2 * _DAY, 5 * _DAY, 10 * _DAY, 20 * _DAY, 50 * _DAY, 100 * _DAY,
)  # fmt: skip
_MOST_STEPS = 5


def step_of(most: float, unit: Unit) -> float:
    """How far two lines of an axis lie apart, so that at most five of them reach ``most``."""
    if unit == "percent":
        return 25
    if unit == "seconds":
        for length in _LENGTHS:
            if length * _MOST_STEPS >= most:
                return length
    rough = max(most, 1) / _MOST_STEPS
    ten: float = 10.0 ** math.floor(math.log10(rough))
    step = next(ten * each for each in (1, 2, 5, 10) if ten * each >= rough)
    return max(step, 1)


def top_of(most: float, unit: Unit) -> float:
    """Where an axis ends: its first line at or above ``most``."""
    if unit == "percent":
        return 100
    step = step_of(most, unit)
    return max(step, math.ceil(most / step) * step)


def said(value: float, unit: Unit) -> str:
    """A value as it stands at an axis: "40", "12k", "25 %", "3 h". Steps are whole, so nothing is rounded away."""
    if unit == "percent":
        return f"{value:.0f} %"
    if unit == "count":
        return f"{value / 1000:g}k" if value >= 10_000 else f"{value:.0f}"
    for length, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if value >= length and value % length == 0:
            return f"{value // length:.0f} {word}"
    return f"{value // _MINUTE:.0f} min" if value >= 10 * _MINUTE else f"{value:.0f} s"
