"""What a room above gives to the engine: task handlers, and what runs are about.

A handler is a function of one :class:`TaskContext` that returns an outcome::

    def charge_card(context: TaskContext) -> Outcome:
        receipt = gateway.charge(context.inputs["amount"], key=context.idempotency_key)
        return Done({"receipt": receipt.number}, note=f"Charged {receipt.last4}")

It may be called more than once for one task (a worker died, an answer was lost); its *completion* is recorded once.
Whatever leaves the process therefore carries ``idempotency_key``, the same over all attempts of one task.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.functional import Promise

from boss.core.actors import Actor
from boss.core.schema import Characteristic

Text = str | Promise


@dataclass(frozen=True, slots=True)
class TaskContext:
    """All a handler knows. ``heartbeat`` says whether the task is still ours, and keeps it so.

    ``woken_by`` is the payload of the signal that ended this task's last :class:`Wait`, if one did.
    """

    realm_id: int
    actor: Actor
    run_id: int
    task_id: int
    task_key: str
    attempt: int
    inputs: dict[str, Any]
    idempotency_key: str
    subject: tuple[str, int] | None
    heartbeat: Callable[[], bool]
    woken_by: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class UndoContext(TaskContext):
    """The same for undoing. ``outputs`` are those of the task.

    With ``finished`` false the task was tried but never done: it may have had an effect or not, ``outputs`` is empty,
    and undo must look for the effect itself (by ``inputs`` or ``forward_key``) and be content when there is none.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    finished: bool = True
    forward_key: str = ""
    """The ``idempotency_key`` the task itself was called with."""


@dataclass(frozen=True, slots=True)
class Done:
    """It is done. ``outputs`` are JSON and can be named by later tasks; ``note`` goes into the journal.

    ``log`` here and below is what the work wrote while it went on, up to some 32 kB, kept in the journal for staff.
    """

    outputs: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """Not yet: call again at ``until``, or when ``signal`` is sent to the run, whichever is first. Uses no attempt."""

    until: dt.datetime | None = None
    signal: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """It failed and is worth another attempt, after ``after_seconds`` or the task's own back-off."""

    after_seconds: float | None = None
    error: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class Fail:
    """It failed. Permanent: trying again would give the same, so a person is asked at once."""

    error: str
    permanent: bool = True
    log: str = ""


Outcome = Done | Wait | Retry | Fail


@dataclass(frozen=True, slots=True)
class TaskHandler:
    """Automated work a definition can name by ``key`` ("ipservices.activate_family").

    - ``run(context)``: does it. Any exception is a failure that is tried again; a
      :class:`boss.core.problems.Problem` is permanent unless it has ``retryable = True``.
    - ``undo(context)``: takes back what ``run`` made and only that; idempotent; content when there is nothing.
    - ``nothing_to_undo``: said openly when ``run`` has no effect to take back (a check, a reading).
    - ``local``: touches nothing but our database. It runs inside the transaction that records its outcome, so it
      happens exactly once. Otherwise it runs outside any transaction and opens its own short ones.
    - ``slow``: may keep its worker waiting, so that workers for slow work do it. What leaves the process does, unless
      it is said otherwise here; what is ``local`` does not.
    - ``limits(inputs)``: keys of what it uses that an operator may limit ("binding:…"). Called in the realm when it
      has limits, inside a transaction; it reads and does nothing else. It holds for undoing, too.
    - ``open``: it takes any further inputs, and gives as outputs what the definition declares for the task beside its
      own; the engine checks that they are there and of their types.
    - ``time_limit_seconds``: of one attempt, unless the definition says another.
    - ``inputs``/``outputs``: what it takes and gives; a definition is checked against them when it is published.
    - ``differs(context)``: whether doing it now, with ``context.inputs``, would give something other than what it
      did. Asked when a run is amended under way, in a transaction; it only reads our tables. Without it a task differs
      when its inputs do.
    - ``describe(inputs)``: one sentence on what it will do with these inputs, for people.
    """

    key: str
    title: Text
    run: Callable[[TaskContext], Outcome | None]
    undo: Callable[[UndoContext], Outcome | None] | None = None
    nothing_to_undo: bool = False
    inputs: Sequence[Characteristic] = ()
    outputs: Sequence[Characteristic] = ()
    open: bool = False
    local: bool = False
    slow: bool | None = None
    limits: Callable[[Mapping[str, Any]], Sequence[str]] | None = None
    time_limit_seconds: float = 60
    differs: Callable[[UndoContext], bool] | None = None
    describe: Callable[[Mapping[str, Any]], str] | None = None

    @property
    def is_slow(self) -> bool:
        return not self.local if self.slow is None else self.slow


RunEnd = Literal["completed", "reversed"]


def _no_url(subject_id: int) -> str:
    return ""


def _no_account(subject_id: int) -> int | None:
    return None


def _not_told(actor: Actor, run: Any, end: RunEnd) -> None:
    return None


def _none_found(actor: Actor, text: str) -> Sequence[int]:
    return ()


@dataclass(frozen=True, slots=True)
class RunSubjectKind:
    """What runs of a kind are about ("subscribers.order"). All callables run in the run's realm.

    ``closed(actor, run, end)`` is called inside the transaction that closes the run, so that the subject's state and
    the run's move together; it must only write our own tables. If it raises, the run does not close.
    ``label`` names one of them beside ``title``, without repeating it: "Order: O-10001".

    ``labels(ids)`` names the subjects of a whole page in one statement, each so that it stands by itself ("Order
    O-10001 · Ana Bo"); without it ``title`` and ``label`` are asked for one by one.
    ``find(actor, text)`` gives the ids of the subjects that people mean by ``text`` (an order's number, a name), as
    far as the actor may see them, a few hundred at most.
    """

    key: str
    title: Text
    label: Callable[[int], str]
    url: Callable[[int], str] = _no_url
    account_id: Callable[[int], int | None] = _no_account
    closed: Callable[[Actor, Any, RunEnd], None] = _not_told
    labels: Callable[[Sequence[int]], Mapping[int, str]] | None = None
    find: Callable[[Actor, str], Sequence[int]] = _none_found
