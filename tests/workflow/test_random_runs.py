"""Random graphs with random failures, crashes, late workers, duplicates, signals, people, reversals, amendments,
runs sent back and runs within runs, against a simple model in memory (``stories``, ``playing``).

Two thousand graphs a run, the same ones every time, so that a difference is the change's doing. Others:
``BOSS_RANDOM_RUNS=20000 BOSS_RANDOM_SEED=1000000 python3 manage.py test tests/workflow/test_random_runs.py -n 2``.
One again, alone: ``BOSS_RANDOM_RUNS=1 BOSS_RANDOM_SEED=<its number>``.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from boss.tenancy import selectors
from tests.workflow import playing

GRAPHS = int(os.environ.get("BOSS_RANDOM_RUNS", "2000"))
FIRST = int(os.environ.get("BOSS_RANDOM_SEED", "1"))
AT_ONCE = 50

pytestmark = pytest.mark.timeout(900)


@pytest.mark.parametrize("first", range(FIRST, FIRST + GRAPHS, AT_ONCE))
def test_every_run_ends_completed_or_reversed_with_exactly_its_effects(
    first, _session_cast, django_db_blocker, record_property
):
    selectors.forget_cached()
    happened: Counter[str] = Counter()
    numbers = range(first, min(first + AT_ONCE, FIRST + GRAPHS))
    with django_db_blocker.unblock():
        for number in numbers:
            happened += playing.play(number, _session_cast.alpha.pk)
    record_property("tally", {"random graphs without a difference from the model": len(numbers), **happened})
