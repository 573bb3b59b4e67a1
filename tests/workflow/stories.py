"""Random stories: a graph, all that is to go wrong with it, and a model in memory that knows how it must end.

A story is told by one ``random.Random``, so a number names it for ever. The :class:`Player` drives the real engine in
Postgres in random order, with several workers at once that die, freeze and come back late; after every move it looks
at all rows in one statement and compares them with the model.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import Any

from django.db import connections

from boss.core import scoping
from boss.core.actors import Actor
from tests.workflow.workshop import Busy, Fail, Refused, Retry, effects, shop, task
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.selectors import outcomes_of
from ticketing.services import pools, tickets
from workflow.choices import CLAIMABLE, CLAIMED, FORWARD_END, REVERSE_END
from workflow.contracts import Wait
from workflow.engine import claims, execution, ledger, loop, sweeper
from workflow.engine.claims import Claim
from workflow.models import Attempt, Run, RunEvent, TaskRun
from workflow.services import definitions, runs, signals


class LocalEffects(MutableMapping[str, dict[str, Any]]):
    """What local handlers did, in the database: it goes away with their transaction, as it must."""

    def __init__(self) -> None:
        self._execute("CREATE TEMPORARY TABLE IF NOT EXISTS story_effect (key text PRIMARY KEY)")

    def __setitem__(self, key: str, inputs: dict[str, Any]) -> None:
        self._execute("INSERT INTO story_effect VALUES (%s) ON CONFLICT DO NOTHING", key)

    def __delitem__(self, key: str) -> None:
        if not self._execute("DELETE FROM story_effect WHERE key = %s RETURNING key", key):
            raise KeyError(key)

    def __getitem__(self, key: str) -> dict[str, Any]:
        if not self._execute("SELECT key FROM story_effect WHERE key = %s", key):
            raise KeyError(key)
        return {}

    def __iter__(self) -> Iterator[str]:
        return iter(key for (key,) in self._execute("SELECT key FROM story_effect"))

    def __len__(self) -> int:
        return len(self._execute("SELECT key FROM story_effect"))

    def _execute(self, statement: str, *values: str) -> list[tuple[str]]:
        with connections["default"].cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []


class Killed(BaseException):
    """The worker dies here: nothing in Python may catch it."""


HANDLERS = ("tests.remote", "tests.remote", "tests.local", "tests.local", "tests.check", "tests.stubborn")
MISHAPS = (
    "error", "busy", "retry", "refused", "permanent", "killed before", "killed after", "answer lost", "waits",
    "overtaken", "turned round",
)  # fmt: skip
UNDO_MISHAPS = MISHAPS[:10]
UNDOABLE = ("tests.remote", "tests.local", "manual")
MOST_MOVES = 800


@dataclass
class Plan:
    """One task of a random graph and all that is to go wrong with it."""

    key: str
    work: str  # a handler, or "manual", "signal", "time"
    after: list[str]
    condition: str
    skippable: bool
    on_deadline: str
    mishaps: list[str]
    undo_mishaps: list[str]

    def document(self) -> dict[str, Any]:
        rest: dict[str, Any] = {"skippable": self.skippable, "retry": {"attempts": 3}}
        if self.condition == "input":
            rest["when"] = {"var": f"inputs.{self.key}"}
        elif self.condition == "skipped" and self.after:
            rest["when"] = {"not": {"var": f"tasks.{self.after[0]}.skipped"}}
        if self.work.startswith("tests."):
            if self.work == "tests.stubborn":
                rest["point_of_no_return"] = True
            return task(self.key, *self.after, handler=self.work, **rest)
        rest |= {"key": self.key, "title": self.key.title(), "after": self.after}
        if self.work == "manual":
            return {**rest, "kind": "manual", "pool": "crew", "undo": "manual"}
        rest["kind"] = "wait"
        if self.work == "time":
            return {**rest, "until": 3600}
        return {**rest, "signal": f"go-{self.key}", "deadline_seconds": 7200, "on_deadline": self.on_deadline}


@dataclass
class Story:
    """``number`` tells it again: ``BOSS_RANDOM_SEED=number``."""

    number: int
    plans: list[Plan]
    inputs: dict[str, bool]
    reverse_at: int | None
    dice: random.Random

    def document(self) -> dict[str, Any]:
        declared = [{"key": key, "type": "boolean"} for key in self.inputs]
        tasks = [plan.document() for plan in self.plans]
        return {"key": "random", "title": "Random", "inputs": declared, "tasks": tasks}


def tell(dice: random.Random, number: int = 0) -> Story:
    """A story drawn from the dice. Most tasks go well: a mishap is worth more where the rest of the graph moves on."""
    keys = [f"t{index}" for index in range(dice.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8)))]
    plans = []
    for index, key in enumerate(keys):
        other = dice.random()
        work = dice.choice(("manual", "signal", "time")) if other < 0.12 else dice.choice(HANDLERS)
        before = [dice.choice(keys[:index]) for _ in range(dice.choice((0, 1, 1, 1, 2, 3)))] if index else []
        plans.append(
            Plan(
                key=key,
                work=work,
                after=sorted(set(before)),
                condition=dice.choice(("", "", "", "input", "skipped")),
                skippable=dice.random() < 0.5,
                on_deadline=dice.choice(("done", "fail")),
                mishaps=_some(dice, MISHAPS, (0, 0, 0, 1, 1, 2, 4)),
                undo_mishaps=_some(dice, UNDO_MISHAPS, (0, 0, 0, 1, 2)),
            )
        )
    inputs = {key: dice.random() < 0.7 for key in keys}
    reverse_at = dice.randrange(2, 30) if dice.random() < 0.35 else None
    return Story(number, plans, inputs, reverse_at, dice)


def _some(dice: random.Random, names: tuple[str, ...], counts: tuple[int, ...]) -> list[str]:
    return [dice.choice(names) for _ in range(dice.choice(counts))]


def done_at_the_end(story: Story, skipped_by_hand: set[str]) -> set[str]:
    """The model: which tasks a completed run has done. A task is done when an edge to it was taken and its condition
    holds, whatever went wrong on the way."""
    done: set[str] = set()
    for plan in story.plans:
        reached = not plan.after or any(key in done for key in plan.after)
        holds = {
            "input": story.inputs[plan.key],
            "skipped": not plan.after or plan.after[0] in done,
        }.get(plan.condition, True)
        if reached and holds and plan.key not in skipped_by_hand:
            done.add(plan.key)
    return done


@dataclass(frozen=True)
class Row:
    """A task as one look found it."""

    id: int
    key: str
    state: str
    undecided: int
    taken: int
    attempt: int
    due: bool
    early: bool
    tickets: int


_LOOK = """
SELECT r.state, r.open_tasks, r.sequence, t.id, t.key, t.state, t.undecided, t.taken, t.attempt,
       coalesce(t.due_at <= clock_timestamp(), false), coalesce(t.not_before > clock_timestamp(), false),
       (SELECT count(*) FROM ticketing_ticket AS k
         WHERE k.realm_id = r.realm_id AND k.subject_kind = 'workflow.task' AND k.subject_id = t.id
           AND k.state = ANY(%s))
  FROM workflow_run AS r JOIN workflow_taskrun AS t ON t.realm_id = r.realm_id AND t.run_id = r.id
 WHERE r.id = %s ORDER BY t.position
"""
_HURRY = """
UPDATE workflow_taskrun
   SET not_before = CASE WHEN not_before > clock_timestamp() THEN clock_timestamp() ELSE not_before END,
       due_at = CASE WHEN due_at > clock_timestamp() THEN clock_timestamp() ELSE due_at END
 WHERE run_id = %s AND state <> ALL(%s)
   AND (not_before > clock_timestamp() OR due_at > clock_timestamp() AND state NOT IN ('ready', 'undo_ready'))
"""
_OVERTAKE = """
UPDATE workflow_taskrun SET due_at = clock_timestamp() WHERE run_id = %s AND state = ANY(%s) AND (%s IS NULL OR id = %s)
"""


class Player:
    """Plays one story to its end, in the realm and the transaction that are entered."""

    def __init__(self, story: Story, realm_id: int) -> None:
        self.story, self.realm_id, self.dice = story, realm_id, story.dice
        self.system = Actor.system(realm_id)
        self.moves = 0
        self.reversed = False
        self.at_work: list[Claim] = []
        self.frozen: list[Claim] = []
        self.skipped: set[str] = set()
        self.works = {plan.key: plan.work for plan in story.plans}
        self.happened: Counter[str] = Counter()

    # The stage

    def play(self) -> None:
        """Play, and compare with the model all the time and at the end."""
        shop.__init__()  # type: ignore[misc]
        shop.local = LocalEffects()
        for plan in self.story.plans:
            shop.plans[plan.key] = [self.step(name, plan, undo=False) for name in plan.mishaps]
            shop.undo_plans[plan.key] = [self.step(name, plan, undo=True) for name in plan.undo_mishaps]
        definitions.publish(actor=self.system, document=self.story.document())
        self.run = runs.start(actor=self.system, definition_key="random", inputs=self.story.inputs)
        self.look()
        while self.state not in ("completed", "reversed"):
            assert self.moves < MOST_MOVES, "the run does not end"
            self.moves += 1
            if self.disturb():
                self.look()
            moved = self.move() or self.hurry() or self.people()
            self.look()
            assert moved or self.state in ("completed", "reversed"), "nothing is due, nobody is asked, the run is open"
        self.at_work += self.frozen
        while self.at_work:
            self.work()  # who comes back when all is over
        while self.people():
            pass
        self.look()
        self.compare_the_end()

    def step(self, name: str, plan: Plan, *, undo: bool) -> Any:
        """What a handler does when this mishap is its fate."""
        remote = plan.work != "tests.local"

        def effect(context: Any) -> None:
            there = effects(plan.work == "tests.local")
            if undo:
                there.pop(context.forward_key, None)
            else:
                there[context.idempotency_key] = context.inputs

        def killed_before(context: Any) -> None:
            raise Killed

        def killed_after(context: Any) -> None:
            effect(context)
            raise Killed

        def answer_lost(context: Any) -> None:
            effect(context)
            raise TimeoutError("no answer")

        def waits(context: Any) -> Wait:
            effect(context)  # a wait commits what was done, also of a local handler
            return Wait(until=ledger.database_now(), note="for a while")

        def overtaken(context: Any) -> None:
            """Its lease ends while it is at work, and the sweeper hands the task on: the answer comes too late."""
            if not remote:
                raise TimeoutError("no answer")
            self.overtake(context.task_id)
            sweeper.settle_due(context.run_id, context.task_id)

        def turned_round(context: Any) -> None:
            """The run is turned round while it is at work."""
            if not remote:
                raise ValueError("down")
            self.reverse()

        return {
            "error": ValueError("down"), "busy": Busy("busy"), "retry": Retry(error="again"),
            "refused": Refused("no"), "permanent": Fail("never"), "killed before": killed_before,
            "killed after": killed_after, "answer lost": answer_lost, "waits": waits, "overtaken": overtaken,
            "turned round": turned_round,
        }[name]  # fmt: skip

    def look(self) -> None:
        """See all rows at one moment and hold them against the model."""
        with connections["default"].cursor() as cursor:
            cursor.execute(_LOOK, [list(OPEN_STATES), self.run.pk])
            found = cursor.fetchall()
        self.state, open_tasks, _sequence = found[0][:3]
        self.rows = {row[4]: Row(*row[3:]) for row in found}
        rows = self.rows
        if self.state == "running":
            assert open_tasks == sum(row.state not in FORWARD_END for row in rows.values())
            for plan in self.story.plans:
                row = rows[plan.key]
                undecided = sum(rows[key].state not in FORWARD_END for key in plan.after)
                assert row.undecided == undecided, f"{plan.key}: edges not decided"
                taken = sum(rows[key].state == "done" for key in plan.after)
                assert row.taken - (not plan.after) == taken, f"{plan.key}: edges taken"
                assert undecided == 0 or row.state == "pending" or row.state == "skipped", f"{plan.key} began too soon"
                assert undecided or row.state != "pending", f"{plan.key} is left behind"
        for row in rows.values():
            asked = row.state in ("attention", "undo_attention")
            asked = asked or (self.works[row.key] == "manual" and row.state in ("waiting", "undo_waiting"))
            assert row.tickets == asked, f"{row.key} is {row.state} with {row.tickets} open tickets"

    # What can happen next

    def disturb(self) -> bool:
        """What comes between. True when the rows may have changed."""
        roll = self.dice.random()
        row = self.dice.choice(list(self.rows.values()))
        if self.moves == self.story.reverse_at:
            self.reverse()
        elif roll < 0.10:
            self.happened["message too many"] += 1
            self.survive(lambda: loop.advance(self.realm_id, row.id))
        elif roll < 0.16:
            self.take(row)
        elif roll < 0.22:
            self.happened["lease lost"] += self.overtake(None)
        elif roll < 0.27:
            self.hurry()
        elif roll < 0.32:
            self.signal(f"go-{row.key}")
        else:
            if roll < 0.36 and self.at_work:
                self.happened["worker killed"] += 1
                self.at_work.pop(self.dice.randrange(len(self.at_work)))
            elif roll < 0.46 and self.at_work:
                self.happened["worker frozen"] += 1
                self.frozen.append(self.at_work.pop(self.dice.randrange(len(self.at_work))))
            elif roll < 0.49 and self.frozen:
                self.at_work.append(self.frozen.pop(self.dice.randrange(len(self.frozen))))
            return False
        return True

    def move(self) -> bool:
        """One thing that is due: a worker goes on, a task is claimed, or the sweeper looks. False when none is."""
        if self.at_work and self.dice.random() < 0.6:
            self.work()
            return True
        free = [row for row in self.rows.values() if row.state in CLAIMABLE and not row.early]
        due = [row for row in self.rows.values() if row.due and row.state not in CLAIMABLE]
        if not free and not due:
            if self.at_work:
                self.work()
                return True
            return False
        row = self.dice.choice(free + due)
        if row in due:
            self.survive(lambda: sweeper.settle_due(self.run.pk, row.id))
        elif self.dice.random() < 0.5:
            self.survive(lambda: loop.advance(self.realm_id, row.id))
        else:
            self.take(row)
        return True

    def take(self, row: Row) -> None:
        claim = claims.take(self.realm_id, row.id)
        if claim is not None:
            self.at_work.append(claim)

    def work(self) -> None:
        """A worker does what it claimed, perhaps too late."""
        claim = self.at_work.pop(self.dice.randrange(len(self.at_work)))
        mine = TaskRun.objects.filter(pk=claim.task_id, attempt=claim.attempt, state__in=CLAIMED).exists()
        following = self.survive(lambda: execution.perform(claim))
        if not mine:
            self.happened["late result"] += 1
            assert following is None, "a late worker was given more work"
        if following is not None:
            self.at_work.append(following)

    def survive(self, act: Any) -> Any:
        try:
            return act()
        except Killed:
            self.happened["worker killed"] += 1
            return None

    def overtake(self, task_id: int | None) -> int:
        with connections["default"].cursor() as cursor:
            cursor.execute(_OVERTAKE, [self.run.pk, list(CLAIMED), task_id, task_id])
            return int(cursor.rowcount)

    def hurry(self) -> bool:
        """Time passes: retries, timers and deadlines come; at last the leases of the dead as well."""
        with connections["default"].cursor() as cursor:
            cursor.execute(_HURRY, [self.run.pk, list(CLAIMED)])
            moved = cursor.rowcount
        return bool(moved) or bool(not self.at_work and self.overtake(None))

    def reverse(self) -> None:
        if not Run.objects.filter(pk=self.run.pk, state="running").exists():
            return
        self.reversed = True
        self.happened["reversal"] += 1
        runs.reverse(actor=self.system, run=self.run, reason="for the test")

    def signal(self, name: str) -> None:
        """Sent twice with one key, early or late, to whom it may concern."""
        if not Run.objects.filter(pk=self.run.pk, state__in=("running", "reversing")).exists():
            return
        self.happened["signal"] += 1
        for _time in range(2):
            signals.send(actor=self.system, run=self.run, name=name, key=name)

    def people(self) -> bool:
        """Somebody resolves an open ticket in one of the ways it offers."""
        found = list(Ticket.objects.filter(state__in=OPEN_STATES).order_by("id"))
        if not found:
            return False
        ticket = self.dice.choice(found)
        offered = {outcome.key for outcome in outcomes_of(ticket)}
        choice = self.dice.choice(sorted(offered - {"undo"}) or [""])
        if self.dice.random() < 0.1 and "undo" in offered:
            choice = "undo"
        self.happened[f"ticket {choice or 'read'}"] += 1
        values = {"reason": "cannot be done"} if choice == "undo" else {}
        tickets.resolve(actor=self.system, ticket=ticket, outcome=choice, values=values, confirmed=True)
        if choice == "skip":
            self.skipped.add(TaskRun.objects.get(pk=ticket.subject_id).key)
        elif choice == "undo":
            self.reversed = True
        elif choice == "done":
            self.by_hand(TaskRun.objects.get(pk=ticket.subject_id))
        elif ticket.dedupe_key.endswith(":late"):
            # "Look whether something of it is left."
            late = TaskRun.objects.get(pk=int(ticket.dedupe_key.split(":")[1]))
            self.effects_of(late.key).pop(self.name(late.key), None)
        return True

    def by_hand(self, row: TaskRun) -> None:
        """What a person does outside when he completes a task or an undo himself."""
        if row.state == "undone":
            self.effects_of(row.key).pop(self.name(row.key), None)
        else:
            self.effects_of(row.key)[self.name(row.key)] = {}

    def effects_of(self, key: str) -> MutableMapping[str, dict[str, Any]]:
        return effects(self.works[key] == "tests.local")

    def name(self, key: str) -> str:
        return f"wf-{self.realm_id}-{self.run.public_id}-{key}"

    # The end

    def compare_the_end(self) -> None:
        run = Run.objects.get(pk=self.run.pk)
        assert run.open_tasks == 0 and run.state in ("completed", "reversed")
        assert not Ticket.objects.filter(state__in=OPEN_STATES).exists(), "a ticket outlives its run"
        present = {name.rsplit("-", 1)[1] for name in (*shop.effects, *effects(local=True))}
        waits = {key for key, work in self.works.items() if work in ("signal", "time")}
        if run.state == "completed":
            assert not self.reversed, "there is no way back from reversing"
            done = {key for key, row in self.rows.items() if row.state == "done"}
            assert done == done_at_the_end(self.story, self.skipped)
            assert {row.state for row in self.rows.values()} <= set(FORWARD_END)
            # A task given up by a person after its answer was lost may have left its effect: that person's choice.
            assert done - waits <= present <= done | self.skipped
        else:
            assert self.reversed
            assert {row.state for row in self.rows.values()} <= set(REVERSE_END)
            undoable = {key for key in present if self.works[key] in UNDOABLE}
            assert undoable - self.skipped == set(), "an effect outlives the reversal"
        self.compare_the_record(run)

    def compare_the_record(self, run: Run) -> None:
        """The events: gapless, every completion once, and in the order of the graph, forward and back."""
        events = list(RunEvent.objects.filter(run=run).order_by("sequence"))
        key_of = {row.id: row.key for row in self.rows.values()}
        assert [event.sequence for event in events] == list(range(1, run.sequence + 1))
        finished: dict[str, int] = {}
        undone: dict[str, int] = {}
        by_handler: Counter[str] = Counter()
        for event in events:
            key = key_of.get(event.task_id, "")
            if event.kind in ("task.done", "task.by_hand", "task.skipped", "task.signalled", "task.time_came"):
                assert key not in finished, f"{key} decided twice"
                finished[key] = event.sequence
            if event.kind in ("task.undone", "task.undone_by_hand", "task.kept", "task.nothing_to_undo"):
                assert key not in undone, f"{key} undone twice"
                undone[key] = event.sequence
            by_handler[key] += event.kind == "task.done"
        for plan in self.story.plans:
            for before in plan.after:
                if plan.key in finished and before in finished:
                    assert finished[before] < finished[plan.key], "done before what it builds on"
                if plan.key in undone and before in undone:
                    assert undone[plan.key] < undone[before], "undone after what it builds on"
        attempts = list(Attempt.objects.filter(task__run=run).values_list("task_id", "number", "outcome", "is_undo"))
        recorded = Counter(key_of[task_id] for task_id, _n, outcome, undo in attempts if outcome == "done" and not undo)
        assert +recorded == +by_handler, "attempts and events tell different stories"
        for task_id, number, _outcome, _undo in attempts:
            assert 1 <= number <= self.rows[key_of[task_id]].attempt


def pool_for(system: Actor) -> None:
    """The people of the stories, once a transaction."""
    pools.create(actor=system, key="crew", name="Crew")


def play(number: int, realm_id: int) -> Counter[str]:
    """One story in a transaction of its own that is rolled back. What happened in it, counted."""
    story = tell(random.Random(number), number)
    with scoping.realm_transaction(realm_id, "workflow"):
        try:
            pool_for(Actor.system(realm_id))
            player = Player(story, realm_id)
            player.play()
        except AssertionError as difference:
            raise AssertionError(
                f"story {number} ({player.moves} moves): {difference}\n{player.rows}\n{story}"
            ) from difference
        finally:
            connections["default"].set_rollback(True)
    return player.happened
