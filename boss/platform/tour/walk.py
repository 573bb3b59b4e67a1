"""Following one order from outside until it closes: every task is printed as it ends, people's tickets are answered."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from boss.platform.tour.api import Api, Row
from boss.platform.tour.company import BY_POOL, Company, results_for
from boss.platform.tour.stranger import NotAsExpected

CLOSED = ("completed", "reversed")
PAUSE_SECONDS = 0.3
PATIENCE_SECONDS = 240.0
"""Nothing of a walk takes longer than this without a task having moved."""


@dataclass
class Order:
    """An order with its run and account, as the API names them."""

    row: Row
    account: Row

    @property
    def run(self) -> str:
        return str(self.row["run"])


@dataclass
class Story:
    """What was seen of a run: how often each task ended, failed, and asked for people."""

    told: dict[str, tuple[str, int]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    tickets: dict[str, list[str]] = field(default_factory=dict)


class Walk:
    """One run followed by the CSR, with the rest of the staff at work."""

    def __init__(self, company: Company, say: Callable[[str], None]) -> None:
        self.company, self.say = company, say
        self.csr: Api = company["alice"]

    def find_order(self, email: str) -> Order:
        """The order of somebody who has just signed up, found as a CSR finds it: by the e-mail address."""
        found = self.csr.get("subscribers/accounts/search/", q=email)
        if len(found) != 1:
            raise NotAsExpected(f"searching for {email} finds {len(found)} accounts instead of 1")
        orders = list(self.csr.every("subscribers/orders/", account=found[0]["public_id"]))
        if len(orders) != 1:
            raise NotAsExpected(f"{found[0]['number']} has {len(orders)} orders instead of 1")
        return Order(orders[0], found[0])

    def tasks(self, order: Order) -> list[Row]:
        rows: list[Row] = self.csr.get(f"workflow/runs/{order.run}/tasks/")
        return rows

    def follow(
        self,
        order: Order,
        *,
        until: Callable[[list[Row]], bool] | None = None,
        on_attention: Callable[[Row], None] | None = None,
        each_time: Callable[[list[Row]], None] | None = None,
    ) -> Story:
        """Watch until the run closes or ``until`` says so. ``on_attention`` gets each task that needs people.

        Raises :class:`NotAsExpected` when a task fails for good and nobody is there for it, or when nothing moves.
        """
        story, answered = Story(), set[tuple[str, str]]()
        moved = time.monotonic()
        while True:
            tasks = self.tasks(order)
            if self._tell(tasks, story):
                moved = time.monotonic()
            if each_time is not None:
                each_time(tasks)
            if until is not None and until(tasks):
                return story
            if self.csr.get(f"workflow/runs/{order.run}/")["state"] in CLOSED:
                self._tell(self.tasks(order), story)
                return story
            for task in tasks:
                if task["ticket"] and (task["ticket"], task["state"]) not in answered:
                    if task["state"] in ("waiting", "undo_waiting"):
                        answered.add((task["ticket"], task["state"]))
                        self.answer(task)
                    elif task["state"] in ("attention", "undo_attention"):
                        answered.add((task["ticket"], task["state"]))
                        if on_attention is None:
                            raise NotAsExpected(f"“{task['title']}” needs people: {task['error']}")
                        on_attention(task)
            if time.monotonic() - moved > PATIENCE_SECONDS:
                open_ones = [f"{task['key']} {task['state']}" for task in tasks if not _ended(task)]
                raise NotAsExpected(f"nothing has moved for {PATIENCE_SECONDS:.0f} s; open: {', '.join(open_ones)}")
            time.sleep(PAUSE_SECONDS)

    def answer(self, task: Row, outcome: str = "done") -> None:
        """Resolve a task's ticket as somebody of its pool: read it, take it, give the results."""
        ticket = self.ticket(task["ticket"])
        who = BY_POOL.get(ticket["pool"] or "csr", "alice")
        person = self.company[who]
        offered: list[Row] = person.get(f"ticketing/tickets/{ticket['public_id']}/outcomes/")
        chosen = next((each for each in offered if each["key"] == outcome), None)
        if chosen is None:
            raise NotAsExpected(f"{ticket['number']} cannot end as {outcome}; it offers {[o['key'] for o in offered]}")
        person.post(f"ticketing/tickets/{ticket['public_id']}/claim/")
        person.post(
            f"ticketing/tickets/{ticket['public_id']}/resolve/",
            {"outcome": outcome, "values": results_for(chosen["values_schema"]), "note": "The tour did it."},
        )
        self.say(f"    {who} of {ticket['pool'] or 'the office'} resolved {ticket['number']} “{ticket['title']}”")

    def ticket(self, number: str) -> Row:
        """The ticket of this number, as the NOC sees it: they see all of them."""
        found = list(self.company["nate"].every("ticketing/tickets/", number=number))
        if len(found) != 1:
            raise NotAsExpected(f"{len(found)} tickets have the number {number}")
        return found[0]

    def _tell(self, tasks: list[Row], story: Story) -> bool:
        """Print what has changed; whether anything has."""
        moved = False
        for task in tasks:
            now = (task["state"], task["failures"])
            before = story.told.get(task["key"], ("pending", 0))
            if now == before:
                continue
            moved = True
            story.told[task["key"]] = now
            if task["ticket"] and task["ticket"] not in story.tickets.setdefault(task["key"], []):
                story.tickets[task["key"]].append(task["ticket"])
            if task["failures"] > before[1]:
                story.failures[task["key"]] = task["failures"]
                self.say(f"  ✗ {task['title']}: attempt failed ({task['failures']}): {task['error'][:110]}")
            if task["state"] != before[0] and (word := _WORDS.get(task["state"])):
                self.say(f"  {word[0]} {task['title']}{word[1]}")
        return moved


_WORDS = {
    "done": ("✓", ""),
    "skipped": ("–", " (not needed here)"),
    "attention": ("!", " needs people"),
    "undone": ("↺", " undone"),
    "kept": ("●", " kept: past its point of no return"),
    "undo_attention": ("!", ": its undo needs people"),
}


def _ended(task: Row) -> bool:
    return task["state"] in ("done", "skipped", "undone", "kept")
