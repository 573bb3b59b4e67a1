"""The judge from outside: holds the remote's own files against the runs' own record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from boss.core import scoping
from boss.core.models import AuditEntry
from tests.cast import Cast
from tests.faults.conftest import REMOTE
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from workflow.choices import FORWARD_END, REVERSE_END
from workflow.models import Run, RunEvent, TaskRun


def judge(cast: Cast, run_ids: list[int], remote: Path) -> Counter[str]:
    """Nothing lost, nothing recorded twice, all closed. Returns how many runs ended which way."""
    lines = [line.split() for line in (remote / "log").read_text().splitlines()]
    made = Counter(key for verb, key in lines if verb == "made")
    removed = Counter(key for verb, key in lines if verb == "removed")
    present = {path.name for path in (remote / "effects").iterdir()}
    ends: Counter[str] = Counter()
    expected: set[str] = set()
    with scoping.realm_transaction(cast.alpha.pk):
        for run in Run.objects.filter(pk__in=run_ids):
            ends[run.state] += 1
            tasks = list(TaskRun.objects.filter(run=run))
            events = list(RunEvent.objects.filter(run=run).order_by("sequence"))
            assert [event.sequence for event in events] == list(range(1, run.sequence + 1))
            done = Counter(event.task_id for event in events if event.kind == "task.done")
            assert max(done.values(), default=0) <= 1, "a completion recorded twice"
            if run.state == "completed":
                assert {task.state for task in tasks} <= set(FORWARD_END)
                expected |= {f"wf-{cast.alpha.pk}-{run.public_id}-{key}" for key in REMOTE}
                assert len(done) == len(tasks)
            else:
                assert {task.state for task in tasks} <= set(REVERSE_END)
            for task in tasks:
                local = AuditEntry.objects.filter(action="faults.local", subject_id=task.pk).count()
                finished = task.key == "right" and task.pk in done
                assert local == int(finished), "a local effect lost or doubled"
        assert not Ticket.objects.filter(state__in=OPEN_STATES).exists()
    assert present == expected, (sorted(present - expected)[:5], sorted(expected - present)[:5])
    for key in expected:
        # Removed and made again is possible only in a reversal, so what stands was made once.
        assert made[key] == 1 and removed[key] == 0, (key, made[key], removed[key])
    return ends
