"""Plays random stories (``stories``) on the real engine in Postgres.

The :class:`Player` drives it in random order, with several workers at once that die, freeze and come back late; after
every move it looks at all rows in one statement and compares them with the model.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, MutableMapping
from typing import Any

from django.db import connections

from boss.core import relay, scoping
from boss.core.actors import Actor
from boss.core.models import FactDelivery
from tests.workflow.comparing import Comparison, Look, Row
from tests.workflow.stories import (
    PARTS,
    Plan,
    Story,
    behind,
    other_inputs,
    tell,
)
from tests.workflow.workshop import Busy, Fail, Refused, Retry, effects, shop
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.selectors import outcomes_of
from ticketing.services import pools, tickets
from workflow.choices import CLAIMABLE, CLAIMED, CLOSED_RUN_STATES
from workflow.contracts import Wait
from workflow.engine import claims, execution, ledger, loop, parts, sql, sweeper
from workflow.engine.claims import Claim
from workflow.errors import AlreadyGoingBack, NotYetReached, PartsStillOpen, PastNoReturn, RunIsClosed, RunIsReversing
from workflow.events import PartClosed
from workflow.models import Run, TaskRun
from workflow.services import definitions, runs, signals

MOST_MOVES = 1500
REFUSED = (AlreadyGoingBack, NotYetReached, PastNoReturn, RunIsClosed, RunIsReversing)


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


_LOOK = """
SELECT r.id, r.public_id, r.parent_id, r.index, r.state, r.open_tasks, r.taken_back, r.inputs,
       t.id, t.position, t.key, t.state, t.undecided, t.taken, t.attempt,
       coalesce(t.due_at <= clock_timestamp(), false), coalesce(t.not_before > clock_timestamp(), false),
       (SELECT count(*) FROM ticketing_ticket AS k
         WHERE k.realm_id = r.realm_id AND k.subject_kind = 'workflow.task' AND k.subject_id = t.id
           AND k.state = ANY(%s)), t.generation
  FROM workflow_run AS r JOIN workflow_taskrun AS t ON t.realm_id = r.realm_id AND t.run_id = r.id
 WHERE r.id = %s OR r.parent_id = ANY(%s) ORDER BY r.id, t.position
"""
_HURRY = """
UPDATE workflow_taskrun
   SET not_before = CASE WHEN not_before > clock_timestamp() THEN clock_timestamp() ELSE not_before END,
       due_at = CASE WHEN due_at > clock_timestamp() THEN clock_timestamp() ELSE due_at END
 WHERE run_id = ANY(%s) AND state <> ALL(%s)
   AND (not_before > clock_timestamp() OR due_at > clock_timestamp() AND state NOT IN ('ready', 'undo_ready'))
"""
_OVERTAKE = """
UPDATE workflow_taskrun SET due_at = clock_timestamp()
 WHERE run_id = ANY(%s) AND state = ANY(%s) AND (%s IS NULL OR id = %s)
"""


class Player(Comparison):
    """Plays one story to its end, in the realm and the transaction that are entered."""

    def __init__(self, story: Story, realm_id: int) -> None:
        self.story, self.realm_id, self.dice = story, realm_id, story.dice
        self.system = Actor.system(realm_id)
        self.moves = 0
        self.reversed = False
        self.at_work: list[Claim] = []
        self.frozen: list[Claim] = []
        self.inputs = story.inputs
        self.skipped, self.handed, self.stood = set(), set(), set()
        self.works = {plan.key: plan.work for plan in story.plans + story.parts}
        self.whole: list[int] = []
        self.happened: Counter[str] = Counter()

    # The stage

    def play(self) -> None:
        """Play, and compare with the model all the time and at the end."""
        shop.__init__()  # type: ignore[misc]
        shop.local = LocalEffects()
        for plan in self.story.plans + self.story.parts:
            shop.plans[plan.key] = [self.step(name, plan, undo=False) for name in plan.mishaps]
            shop.undo_plans[plan.key] = [self.step(name, plan, undo=True) for name in plan.undo_mishaps]
        for document in self.story.documents():
            definitions.publish(actor=self.system, document=document)
        self.run = runs.start(actor=self.system, definition_key="random", inputs=self.inputs)
        self.look()
        self.whole = [row.id for row in self.rows if self.works[row.key] in PARTS]
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
        while self.people() or self.tell_the_whole():
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
            cursor.execute(_LOOK, [list(OPEN_STATES), self.run.pk, self.whole])
            found = cursor.fetchall()
        self.looks: dict[int, Look] = {}
        for run_id, address, parent, index, state, open_tasks, taken_back, inputs, *row in found:
            look = self.looks.get(run_id)
            if look is None:
                plans = self.story.plans if parent is None else self.story.parts
                look = Look(
                    run_id, address, parent, index, state, open_tasks, set(taken_back or ()), sql.loaded(inputs), plans
                )
                self.looks[run_id] = look
            look.rows[row[2]] = Row(look, *row)
        self.state = self.looks[self.run.pk].state
        self.rows = [row for look in self.looks.values() for row in look.rows.values()]
        for look in self.looks.values():
            if look.state == "running":
                self.compare_edges(look)
        for row in self.rows:
            asked = row.state in ("attention", "undo_attention")
            asked = asked or (self.works[row.key] == "manual" and row.state in ("waiting", "undo_waiting"))
            assert row.tickets == asked, f"{row.key} is {row.state} with {row.tickets} open tickets"

    # What can happen next

    def disturb(self) -> bool:
        """What comes between. True when the rows may have changed."""
        roll = self.dice.random()
        row = self.dice.choice(self.rows)
        if self.moves == self.story.reverse_at:
            self.reverse()
        elif self.moves in self.story.changes:
            self.amend() if self.story.changes[self.moves] == "amended" else self.send_back()
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
            self.signal(row)
        elif roll < 0.36 and row.run.parent is not None:
            self.happened["message too many"] += 1
            parts.closed(PartClosed(run_id=row.run.id, task_id=row.run.parent))
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
        free = [row for row in self.rows if row.state in CLAIMABLE and not row.early]
        due = [row for row in self.rows if row.due and row.state not in CLAIMABLE]
        if self.whole and (not (free or due) or self.dice.random() < 0.3) and self.tell_the_whole():
            return True
        if not free and not due:
            if self.at_work:
                self.work()
                return True
            return False
        row = self.dice.choice(free + due)
        if row in due:
            self.survive(lambda: sweeper.settle_due(row.run.id, row.id))
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
            cursor.execute(_OVERTAKE, [list(self.looks), list(CLAIMED), task_id, task_id])
            return int(cursor.rowcount)

    def hurry(self) -> bool:
        """Time passes: retries, timers and deadlines come; at last the leases of the dead as well."""
        with connections["default"].cursor() as cursor:
            cursor.execute(_HURRY, [list(self.looks), list(CLAIMED)])
            moved = cursor.rowcount
        return bool(moved) or bool(not self.at_work and self.overtake(None))

    def reverse(self) -> None:
        if not Run.objects.filter(pk=self.run.pk, state="running").exists():
            return
        self.reversed = True
        self.happened["reversal"] += 1
        runs.reverse(actor=self.system, run=self.run, reason="for the test")

    def tell_the_whole(self) -> bool:
        """One end of a part reaches the run it is a part of."""
        waiting = FactDelivery.objects.filter(delivered_at=None, fact__name="workflow.part_closed")
        if not self.whole or not waiting.exists():
            return False
        relay.deliver_due(self.realm_id, limit=1)
        assert not waiting.exclude(error="").exists(), "the end of a part could not be told"
        return True

    def send_back(self) -> None:
        """Send the run, or a part of it, back to one of its tasks."""
        points = [row for row in self.rows if next(p for p in row.run.plans if p.key == row.key).return_point]
        if not points:
            return
        row = self.dice.choice(points)
        try:
            runs.take_back(actor=self.system, run=Run.objects.get(pk=row.run.id), to=row.key, reason="measured wrong")
        except REFUSED:
            self.happened["sending back refused"] += 1
            return
        self.happened["sent back"] += 1
        self.begin_anew({(row.run.id, key) for key in behind(row.run.plans, row.key)})

    def amend(self) -> None:
        """Give the run other inputs."""
        inputs = other_inputs(self.dice, [plan.key for plan in self.story.plans])
        if self.dice.random() < 0.5:
            inputs = {**self.inputs, **dict(self.dice.sample(sorted(inputs.items()), 1))}
        whole = self.looks[self.run.pk]
        begun = {row.name for row in whole.rows.values() if row.state != "pending"}
        try:
            keys = runs.amend(actor=self.system, run=self.run, inputs=inputs, reason="changed")
        except REFUSED:
            self.happened["amendment refused"] += 1
            return
        self.happened["amendment"] += 1
        self.inputs = inputs
        anew = {(whole.id, key) for key in keys}
        assert not anew & self.skipped, "a person is overruled"
        self.stood |= begun
        self.begin_anew(anew)

    def begin_anew(self, names: set[tuple[int, str]]) -> None:
        self.skipped -= names
        self.handed -= names
        self.stood -= names

    def signal(self, row: Row) -> None:
        """Sent twice with one key, early or late, to whom it may concern."""
        if not Run.objects.filter(pk=row.run.id, state__in=("running", "reversing")).exists():
            return
        self.happened["signal"] += 1
        for _time in range(2):
            key = f"{row.key}-{row.generation}"
            signals.send(actor=self.system, run=Run(pk=row.run.id), name=f"go-{row.key}", key=key)

    def people(self) -> bool:
        """Somebody resolves an open ticket in one of the ways it offers."""
        found = list(Ticket.objects.filter(state__in=OPEN_STATES).order_by("id"))
        if not found:
            return False
        ticket = self.dice.choice(found)
        task = TaskRun.objects.select_related("run").get(pk=int(ticket.dedupe_key.split(":")[1]))
        offered = {outcome.key for outcome in outcomes_of(ticket)}
        choice = self.dice.choice(sorted(offered - {"undo"}) or [""])
        if self.dice.random() < 0.1 and "undo" in offered:
            choice = "undo"
        values = {"reason": "cannot be done"} if choice == "undo" else {}
        try:
            tickets.resolve(actor=self.system, ticket=ticket, outcome=choice, values=values, confirmed=True)
        except PartsStillOpen:
            self.happened["left to its parts"] += 1
            return any(look.parent == task.pk and look.state not in CLOSED_RUN_STATES for look in self.looks.values())
        self.happened[f"ticket {choice or 'read'}"] += 1
        if choice == "skip":
            self.skipped.add((task.run_id, task.key))
        elif choice == "undo":
            self.reversed = self.reversed or task.run_id == self.run.pk
        elif choice == "done":
            self.by_hand(TaskRun.objects.select_related("run").get(pk=task.pk))
        elif ticket.dedupe_key.endswith(":late"):
            self.take_away(TaskRun.objects.select_related("run").get(pk=task.pk))
        return True

    def by_hand(self, task: TaskRun) -> None:
        """What a person does outside when he completes a task or an undo himself."""
        if task.state == "done":
            self.handed.add((task.run_id, task.key))
            if task.kind not in PARTS:
                self.effects_of(task.key)[self.name(task, task.generation)] = {}
            return
        # An undo; when it was the last one of a run that is sent back, the task may have begun again already.
        generation = task.generation - (task.state not in ("undone", "undo_waiting"))
        self.effects_of(task.key).pop(self.name(task, generation), None)

    def take_away(self, task: TaskRun) -> None:
        """ "Look whether something of it is left": what was made before the task was done anew, or undone."""
        last = task.generation - (task.state not in ("undoing", "undone"))
        for generation in range(last + 1):
            self.effects_of(task.key).pop(self.name(task, generation), None)

    def effects_of(self, key: str) -> MutableMapping[str, dict[str, Any]]:
        return effects(self.works[key] == "tests.local")

    def name(self, task: TaskRun, generation: int) -> str:
        again = f"-{generation}" if generation else ""
        return f"wf-{self.realm_id}-{task.run.public_id}-{task.key}{again}"


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
        except Exception as difference:
            seen = [row for look in getattr(player, "looks", {}).values() for row in look.rows.values()]
            told = f"{difference!r} {getattr(difference, 'fields', '')}"
            raise AssertionError(f"story {number} ({player.moves} moves): {told}\n{seen}\n{story}") from difference
        finally:
            connections["default"].set_rollback(True)
    return player.happened
