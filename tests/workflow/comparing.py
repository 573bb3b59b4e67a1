"""The model's side of a story: what a look at the rows finds, and how it is held against what must be."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tests.workflow.stories import PARTS, UNDOABLE, WAITS, Plan, done_at_the_end
from tests.workflow.workshop import effects, shop
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from workflow.choices import CLOSED_RUN_STATES, FORWARD_END, REVERSE_END
from workflow.engine import ledger
from workflow.models import Attempt, Run, RunEvent


@dataclass(frozen=True)
class Row:
    """A task as one look found it."""

    run: Look = field(repr=False, compare=False, hash=False)
    id: int
    position: int
    key: str
    state: str
    undecided: int
    taken: int
    attempt: int
    due: bool
    early: bool
    tickets: int
    generation: int

    @property
    def name(self) -> tuple[int, str]:
        return self.run.id, self.key


@dataclass
class Look:
    """A run as one look found it: the whole, or one of its parts."""

    id: int
    address: str
    parent: int | None
    index: int
    state: str
    open_tasks: int
    taken_back: set[int]
    inputs: dict[str, Any]
    plans: list[Plan]
    rows: dict[str, Row] = field(default_factory=dict)


class Comparison:
    """What is known of a story that is played, and every comparison of it with the model."""

    realm_id: int
    run: Run
    state: str
    looks: dict[int, Look]
    inputs: dict[str, Any]
    works: dict[str, str]
    reversed: bool
    skipped: set[tuple[int, str]]  # by people; like the next ones a run and a key
    handed: set[tuple[int, str]]
    stood: set[tuple[int, str]]  # begun before an amendment, and not taken back by it

    def compare_edges(self, look: Look) -> None:
        """The counters of a run on its way forward; what is taken back counts as undecided."""
        rows = look.rows
        decided = {r.key for r in rows.values() if r.state in FORWARD_END and r.position not in look.taken_back}
        assert look.open_tasks == len(rows) - len(decided), "tasks that are open"
        for plan in look.plans:
            row = rows[plan.key]
            undecided = sum(key not in decided for key in plan.after)
            if row.state == "pending":
                assert row.undecided == undecided, f"{plan.key}: edges not decided"
                taken = sum(rows[key].state == "done" for key in plan.after if key in decided)
                assert row.taken - (not plan.after) == taken, f"{plan.key}: edges taken"
                assert undecided, f"{plan.key} is left behind"
            elif row.state != "skipped" and row.position not in look.taken_back and row.name not in self.stood:
                assert undecided == 0, f"{plan.key} began too soon"

    def compare_the_end(self) -> None:
        assert not Ticket.objects.filter(state__in=OPEN_STATES).exists(), "a ticket outlives its run"
        assert (self.state == "reversed") == self.reversed, "there is no way back from reversing, nor another way to it"
        present: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for name in (*shop.effects, *effects(local=True)):
            _wf, _realm, address, key, *again = name.split("-")
            present[address][key].add(int(again[0]) if again else 0)
        for look in self.looks.values():
            assert look.open_tasks == 0 and look.state in CLOSED_RUN_STATES
            self.compare_the_effects(look, present[look.address])
            if look.state == "completed":
                self.compare_the_inputs(look)
            self.compare_the_record(look)
        for row in self.looks[self.run.pk].rows.values():
            if self.works[row.key] in PARTS:
                self.compare_the_parts(row)

    def compare_the_effects(self, look: Look, present: dict[str, set[int]]) -> None:
        rows = look.rows
        if look.state == "reversed":
            assert {row.state for row in rows.values()} <= set(REVERSE_END)
            left = {key for key in present if self.works[key] in UNDOABLE}
            assert left == set(), "an effect outlives the reversal"
            return
        assert {row.state for row in rows.values()} <= set(FORWARD_END)
        done = {key for key, row in rows.items() if row.state == "done"}
        skipped = {key for run_id, key in self.skipped if run_id == look.id}
        assert done == done_at_the_end(look.plans, self.inputs if look.parent is None else {}, skipped)
        for key, generations in present.items():
            assert self.works[key] not in UNDOABLE or generations == {rows[key].generation}, f"{key} is there twice"
        # A task given up by a person after its answer was lost may have left its effect: that person's choice. What
        # cannot be undone stays when it is not wanted any more.
        made = {key for key, generations in present.items() if rows[key].generation in generations}
        without = {key for key in done if self.works[key] in (*WAITS, *PARTS)}
        assert done - without <= made <= done | skipped

    def compare_the_inputs(self, look: Look) -> None:
        """What stands was made with the inputs the run has at the end."""
        last = self.inputs["n"] if look.parent is None else look.inputs.get("number")
        for plan in look.plans:
            row = look.rows[plan.key]
            again = f"-{row.generation}" if row.generation else ""
            given = shop.effects.get(f"wf-{self.realm_id}-{look.address}-{plan.key}{again}")
            if plan.number and plan.work not in PARTS and given and row.state == "done":
                assert given["number"] == last, f"{plan.key} was done with {given}, and the last inputs are {last}"

    def compare_the_parts(self, row: Row) -> None:
        """The parts of a task that is done are all there, each once and with its inputs; of another one, none."""
        standing = [look for look in self.looks.values() if look.parent == row.id and look.state != "reversed"]
        assert {look.state for look in standing} <= {"completed"}
        wanted = [self.inputs["n"]] if self.works[row.key] == "subflow" else self.inputs["units"]
        there = {look.index: look.inputs["number"] for look in standing}
        assert len(there) == len(standing), "a part is there twice"
        if row.name in self.handed or row.name in self.skipped:
            return
        if row.state == "done":
            assert there == dict(enumerate(wanted)), f"the parts {there} are not what is wanted: {wanted}"
        else:
            assert not there, "a part outlives its task"

    def compare_the_record(self, look: Look) -> None:
        """The events: gapless, every completion once, and in the order of the graph, forward and back."""
        events = list(RunEvent.objects.filter(run=look.id).order_by("sequence"))
        key_of = {row.id: row.key for row in look.rows.values()}
        sequence = Run.objects.values_list("sequence", flat=True).get(pk=look.id)
        assert [event.sequence for event in events] == list(range(1, sequence + 1))
        after: dict[str, set[str]] = {plan.key: set() for plan in look.plans}
        for plan in look.plans:
            for before in plan.after:
                after[before].add(plan.key)
        before_of = {plan.key: set(plan.after) for plan in look.plans}
        changed = any(event.kind == "run.amended" for event in events)
        amended: set[str] = set()  # taken back by an amendment: what stands behind them does not build on them
        finished: set[str] = set()
        done: set[str] = set()
        undone: set[str] = set()
        reversing = False
        by_handler: Counter[str] = Counter()
        for event in events:
            key = key_of.get(event.task_id, "")
            reversing = reversing or event.kind == "run.reversing"
            amended |= set(event.data["tasks"]) if event.kind == "run.amended" else set()
            if event.kind in (*ledger.FINISHING_EVENTS, "task.skipped"):
                assert key not in finished, f"{key} decided twice"
                finished.add(key)
                done |= {key} if event.kind != "task.skipped" else set()
                assert reversing or changed or before_of[key] <= finished, "done before what it builds on"
            elif event.kind in ("task.undone", "task.undone_by_hand", "task.kept", "task.nothing_to_undo"):
                assert key not in undone, f"{key} undone twice"
                undone.add(key)
                done.discard(key)
                assert key in amended or not after[key] & done, "undone before what builds on it"
            elif event.kind == ledger.BEGUN_AGAIN:
                finished.discard(key)
                undone.discard(key)
                amended.discard(key)
            by_handler[key] += event.kind == "task.done"
        attempts = list(
            Attempt.objects.filter(task__run=look.id).values_list("task_id", "number", "outcome", "is_undo")
        )
        recorded = Counter(key_of[task_id] for task_id, _n, outcome, undo in attempts if outcome == "done" and not undo)
        assert +recorded == +by_handler, "attempts and events tell different stories"
        for task_id, number, _outcome, _undo in attempts:
            assert 1 <= number <= look.rows[key_of[task_id]].attempt
