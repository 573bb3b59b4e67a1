"""The frame of every benchmark: one JSON line a measure, beside a baseline taken in the same run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence


def measure(name: str, value: float, unit: str, baseline: str, ratio: float) -> dict[str, object]:
    """Print and return one measure. ``baseline`` says what ``ratio`` is against."""
    line = {"name": name, "value": round(value, 3), "unit": unit, "baseline": baseline, "ratio": round(ratio, 2)}
    print(json.dumps(line), flush=True)
    return line


def milliseconds(run: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    run()
    return (time.perf_counter() - started) * 1000


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    ordered: Sequence[float] = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Iterable[float]) -> float:
    return statistics.median(values)
