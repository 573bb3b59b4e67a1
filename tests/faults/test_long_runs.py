"""A workflow of 120 days under a moved clock, with a deploy in the middle: real workers, real database.

Time is the database's, so a clock moved on by a day is the same as every stored time lying a day earlier.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from tests.faults.clock import step_clock
from tests.faults.conftest import begin, describe
from workflow.choices import CLAIMABLE, CLAIMED
from workflow.engine import ledger, sweeper
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs, signals

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

DAY = 86400
FIRST = [
    {"key": "install", "title": "Install", "handler": "faults.remote"},
    {"key": "month", "title": "A month", "kind": "wait", "until": 30 * DAY, "after": ["install"]},
    {"key": "bill", "title": "Bill", "handler": "faults.remote", "after": ["month"]},
    {
        "key": "paid", "title": "Paid", "kind": "wait", "signal": "paid", "deadline_seconds": 40 * DAY,
        "on_deadline": "done", "after": ["bill"],
    },
    {"key": "book", "title": "Book", "handler": "faults.local", "after": ["paid"]},
    {"key": "term", "title": "End of term", "kind": "wait", "until": 50 * DAY, "after": ["book"]},
    {"key": "close", "title": "Close", "handler": "faults.remote", "after": ["term"]},
]  # fmt: skip
SECOND = [*FIRST, {"key": "survey", "title": "Survey", "handler": "faults.remote", "after": ["close"]}]


def test_a_workflow_of_120_days_outlives_a_deploy_and_ends_on_the_version_it_began_on(cast, crew, workers, remote):
    realm_id = cast.alpha.pk
    system = Actor.system(realm_id)
    (worker,) = crew(1)
    silent, paying, reversed_run = begin(cast, 3, FIRST, key="term")
    ended: dict[tuple[int, str], int] = {}
    younger = 0

    def note(day: int) -> None:
        quiet(cast, [silent, paying, reversed_run, younger])
        with scoping.realm_transaction(realm_id):
            for row in TaskRun.objects.filter(state="done"):
                ended.setdefault((row.run_id, row.key), day)

    note(0)
    for day in range(1, 191):
        step_clock(realm_id, DAY)
        if day == 45:
            with scoping.realm_transaction(realm_id):
                signals.send(actor=system, run=Run.objects.get(pk=paying), name="paid")
        if day == 60:
            with scoping.realm_transaction(realm_id):
                runs.reverse(actor=system, run=Run.objects.get(pk=reversed_run), reason="gave up")
        if day == 65:
            # The deploy: another version is published, the worker is told to end and a new one comes.
            document = {"key": "term", "title": "Faults", "tasks": SECOND}
            with scoping.realm_transaction(realm_id):
                definitions.publish(actor=system, document=document)
            worker.stop()
            (worker,) = crew(1)
        if day == 66:
            with scoping.realm_transaction(realm_id):
                younger = runs.start(actor=system, definition_key="term").pk
        note(day)

    with scoping.realm_transaction(realm_id):
        end = dict(Run.objects.values_list("pk", "state"))
    assert end == {silent: "completed", paying: "completed", reversed_run: "reversed", younger: "completed"}
    days = {key: ended[silent, key] for key in ("install", "month", "paid", "book", "term", "close")}
    assert days == {"install": 0, "month": 30, "paid": 70, "book": 70, "term": 120, "close": 120}
    assert ended[paying, "paid"] == 45 and ended[paying, "close"] == 95
    assert (silent, "survey") not in ended and (paying, "survey") not in ended
    assert ended[younger, "survey"] == 66 + 120
    left = Counter(path.name.rsplit("-", 1)[1] for path in (remote / "effects").iterdir())
    assert left == {"install": 3, "bill": 3, "close": 3, "survey": 1}


def quiet(cast, run_ids: list[int]) -> None:
    """Let the sweeper and the worker do all that is due today."""
    deadline = time.monotonic() + 60
    while True:
        sweeper.sweep()
        with scoping.realm_transaction(cast.alpha.pk):
            now = ledger.database_now()
            rows = TaskRun.objects.filter(run_id__in=run_ids)
            busy = rows.filter(state__in=[*CLAIMABLE, *CLAIMED]) | rows.filter(due_at__lte=now)
            if not busy.exists():
                return
        assert time.monotonic() < deadline, describe(cast, run_ids)
        time.sleep(0.03)
