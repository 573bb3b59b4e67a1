"""The judge from outside: holds the remote's own files against the runs' own record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from boss.core import scoping
from boss.core.models import AuditEntry
from tests.cast import Cast
from tests.faults.conftest import REMOTE
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from workflow.choices import FORWARD_END, REVERSE_END
from workflow.models import Attempt, Run, RunEvent, TaskRun


@dataclass
class Verdict:
    """How many runs ended which way, and everything that is not as it must be."""

    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def judge(cast: Cast, run_ids: list[int], remote: Path) -> Counter[str]:
    """Nothing lost, nothing recorded twice, all closed. Returns how many runs ended which way."""
    verdict = look(cast, run_ids, remote)
    assert (verdict.lost, verdict.twice, verdict.wrong) == ([], [], [])
    return verdict.ends


def look(cast: Cast, run_ids: list[int], remote: Path) -> Verdict:
    """The verdict, with nothing held back."""
    verdict = Verdict()
    lines = [line.split() for line in (remote / "log").read_text().splitlines()]
    made = Counter(key for verb, key in lines if verb == "made")
    removed = Counter(key for verb, key in lines if verb == "removed")
    present = {path.name for path in (remote / "effects").iterdir()}
    expected: set[str] = set()
    with scoping.realm_transaction(cast.alpha.pk):
        found = {run.pk: run for run in Run.objects.filter(pk__in=run_ids)}
        verdict.lost += [f"run {run_id}" for run_id in run_ids if run_id not in found]
        for run in found.values():
            verdict.ends[run.state] += 1
            expected |= _look_at(run, cast.alpha.pk, verdict)
        if Ticket.objects.filter(state__in=OPEN_STATES).exists():
            verdict.wrong.append("a ticket outlives its run")
    verdict.lost += sorted(expected - present)
    verdict.wrong += [f"left behind: {key}" for key in sorted(present - expected)]
    # Removed and made again is possible only in a reversal, so what stands was made once.
    verdict.twice += [key for key in sorted(expected & present) if made[key] != 1 or removed[key]]
    return verdict


def _look_at(run: Run, realm_id: int, verdict: Verdict) -> set[str]:
    """One run's own record; the keys of the effects it must have left outside."""
    tasks = list(TaskRun.objects.filter(run=run))
    events = list(RunEvent.objects.filter(run=run).order_by("sequence"))
    done = Counter(event.task_id for event in events if event.kind == "task.done")
    recorded = Counter(
        Attempt.objects.filter(task__run=run, outcome="done", is_undo=False).values_list("task", flat=True)
    )
    verdict.twice += [f"completion of task {pk}" for pk, times in (done | recorded).items() if times > 1]
    if [event.sequence for event in events] != list(range(1, run.sequence + 1)):
        verdict.wrong.append(f"run {run.pk}: a gap in its events")
    if run.state not in ("completed", "reversed"):
        verdict.wrong.append(f"run {run.pk} is {run.state}")
    ends = FORWARD_END if run.state == "completed" else REVERSE_END
    if not {task.state for task in tasks} <= set(ends) or (run.state == "completed" and len(done) != len(tasks)):
        verdict.wrong.append(f"run {run.pk} is {run.state} with {[task.state for task in tasks]}")
    for task in tasks:
        local = AuditEntry.objects.filter(action="faults.local", subject_id=task.pk).count()
        finished = int(task.key == "right" and task.pk in done)
        verdict.lost += [f"local effect of task {task.pk}"] * (local < finished)
        verdict.twice += [f"local effect of task {task.pk}"] * (local > finished)
    return {f"wf-{realm_id}-{run.public_id}-{key}" for key in REMOTE} if run.state == "completed" else set()
