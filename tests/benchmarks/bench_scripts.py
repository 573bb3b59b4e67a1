"""What a script's sandbox costs: a whole run of the smallest script, against a bare interpreter in the same run.

``python3 manage.py test tests/benchmarks/bench_scripts.py -n 0 -s``; both are taken in turns, so that whatever else the
machine does meets both alike.
"""

from __future__ import annotations

import subprocess
import sys

from boss.automation.sandbox import process
from boss.automation.sandbox.confinement import Limits
from tests.benchmarks.frame import measure, median, milliseconds, quantile

ROUNDS = 40
_WORK = process.Work("def run(inputs, boss):\n    return {}\n", "run", [{}], key="bench")


def bare() -> None:
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", "pass"], check=True, env={})


def confined() -> None:
    assert process.run(_WORK, Limits()).outcome == "done"


class _Echo:
    def begin(self, endpoint, request, number, seconds):
        return lambda: {"n": number}

    def end(self, error):
        return None


def test_a_script_costs_little_more_than_its_interpreter():
    confined()  # what is looked up once a process
    pairs = [(milliseconds(bare), milliseconds(confined)) for _ in range(ROUNDS)]
    base, ours = [b for b, _ in pairs], [o for _, o in pairs]
    measure("script.run.p50", median(ours), "ms", "bare interpreter", median(ours) / median(base))
    measure(
        "script.run.p95", quantile(ours, 0.95), "ms", "bare interpreter", quantile(ours, 0.95) / quantile(base, 0.95)
    )
    calls = process.Work(
        "import time\ndef run(i, boss):\n    t = time.monotonic()\n    for _ in range(50):\n        boss.call('x')\n"
        "    return {'ms': (time.monotonic() - t) * 20}\n", "run", [{}], key="bench",
    )  # fmt: skip
    each = process.run(calls, Limits(calls=50, wall_seconds=30), broker=_Echo()).outputs["ms"]
    measure("script.call", each, "ms", "bare interpreter", each / median(base))
    assert median(ours) / median(base) < 6
