"""The clocks of a ticket: begun, stopped, paused and agreed anew by the verbs, in their transaction, under their lock.

Each function takes a locked ticket, sets its ``due_at`` and ``resolve_due_at`` and leaves saving them to the verb.
What it gives back is what happened to clocks, for the verb's event: ``{"first": "met", "inform": "running"}``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from boss.core import clock as time
from boss.core.actors import Actor
from ticketing import selectors
from ticketing.choices import MessageKind
from ticketing.models import Message, PolicyVersion, SlaClock, SlaPause, SlaTerm, Ticket
from ticketing.models.policies import recorded
from ticketing.services import promises, timers
from ticketing.services.promises import Agreed
from ticketing.sla.kinds import ClockKind, ClockState
from ticketing.sla.reckoning import reckon

Changes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Beginning:
    """A clock that will run when its ticket has been written."""

    kind: str
    agreed: Agreed
    fixed_at: dt.datetime | None = None


def plan(
    ticket: Ticket,
    *,
    actor: Actor,
    fixed_at: dt.datetime | None,
    accounts: Collection[int] = (),
    for_a_person: bool = False,
) -> list[Beginning]:
    """What is promised of a ticket that is being opened; its due times are set. ``fixed_at``: its solution by hand.

    Nobody waits for an answer to what the machine has opened, unless it was a person's mail that it read
    (``for_a_person``).
    """
    now = time.now()
    found: list[Beginning] = []
    agreed = promises.agreed(ticket, accounts)
    for kind in _at_the_start(ticket, by_machine=actor.is_system and not for_a_person):
        if kind == ClockKind.RESOLVE and fixed_at is not None:
            found.append(Beginning(kind, promises.by_hand(), fixed_at))
        elif kind in agreed:
            found.append(Beginning(kind, agreed[kind]))
    due = {each.kind: _reckoned(each, now) for each in found}
    ticket.due_at = min((at for at in due.values() if at), default=None)
    ticket.resolve_due_at = due.get(ClockKind.RESOLVE)
    return found


def begin(ticket: Ticket, planned: Iterable[Beginning]) -> None:
    """Let the clocks of a new ticket run."""
    _write(ticket, list(planned), started=time.now(), rounds={})


def owned(ticket: Ticket) -> Changes:
    """Somebody has it now."""
    return _settle(ticket, _stopping({ClockKind.OWN}))


def answered(ticket: Ticket) -> Changes:
    """A person of the staff has told the customer something: the only thing that is an answer."""
    book = _running(ticket)
    kinds = {ClockKind.FIRST, ClockKind.NEXT, ClockKind.INFORM}
    changes = _settle(ticket, _stopping(kinds), book)
    if any(held.clock.kind == ClockKind.INFORM for held in book):
        changes |= _start(ticket, [ClockKind.INFORM])
    return changes


def asked(ticket: Ticket, *, reason: str = "") -> Changes:
    """The customer has said something: an answer is due, counted from the oldest message that has none.

    Until the first answer that is the first answer's clock, which no other overrules.
    """
    changes = follow_state(ticket, reason=reason)
    waiting = SlaClock.objects.filter(
        ticket=ticket, kind__in=[ClockKind.FIRST, ClockKind.NEXT], stopped_at=None
    )  # fmt: skip
    return changes if waiting.exists() else changes | _start(ticket, [ClockKind.NEXT])


def follow_state(ticket: Ticket, *, reason: str = "") -> Changes:
    """Stand still in the states in which each clock does, and in statuses that pause it; go on in the others."""
    status = selectors.status_of(ticket)
    paused = status.pauses_clocks if status.state == ticket.state else ()

    def follow(held: Running, now: dt.datetime) -> None:
        lasting = next((pause for pause in held.pauses if pause.ended_at is None), None)
        if ticket.state in held.clock.pauses_in or held.clock.kind in paused:
            if lasting is None:
                begun = SlaPause(clock=held.clock, began_at=now, state=ticket.state, reason=reason[:200])
                begun.save()
                held.pauses.append(begun)
        elif lasting is not None:
            lasting.ended_at = now
            lasting.save(update_fields=["ended_at"])

    return _settle(ticket, follow)


def resolved(ticket: Ticket) -> Changes:
    """The solution is there. What else was promised is kept no more: late is late, the rest is not needed."""

    def end(held: Running, now: dt.datetime) -> None:
        late = held.clock.due_at is not None and held.clock.due_at < now
        _stop(held.clock, now, void=held.clock.kind != ClockKind.RESOLVE and not late)

    return _settle(ticket, end)


def voided(ticket: Ticket) -> Changes:
    """The ticket is not wanted, or has gone into another: nothing was missed by it."""
    return _settle(ticket, lambda held, now: _stop(held.clock, now, void=True))


def resumed(ticket: Ticket, kinds: Iterable[str]) -> Changes:
    """What voided the last clocks of these kinds is undone: they go on as if they had never been stopped."""
    voided: dict[str, SlaClock] = {}
    rows = SlaClock.objects.filter(ticket=ticket, kind__in=list(kinds), state=ClockState.VOID)
    for clock in rows.order_by("round"):
        voided[clock.kind] = clock

    def go_on(held: Running, now: dt.datetime) -> None:
        held.clock.stopped_at, held.clock.state = None, ClockState.RUNNING

    return _settle(ticket, go_on, _with_records(list(voided.values())))


def reopened(ticket: Ticket) -> Changes:
    """A new clock for the solution; the one that ended stays as it ended."""
    return _start(ticket, [ClockKind.RESOLVE, ClockKind.INFORM])


def agree_again(ticket: Ticket, *, reason: str, since_now: bool = False) -> Changes:
    """Another policy, priority or category holds: new terms for the clocks that run, with start and pauses kept.

    The terms hold from the start of the clock or, ``since_now``, from this moment on. What is promised only now begins
    with what it counts from; what is not promised any more is not needed.
    """
    now, agreed, book = time.now(), promises.agreed(ticket), _running(ticket)
    anew = Changes()

    def agree(held: Running, at: dt.datetime) -> None:
        clock, last = held.clock, held.terms[-1]
        if last.fixed_at is not None:  # given by hand: no policy takes it back
            return
        if clock.kind not in agreed:
            _stop(clock, at, void=True)
            return
        clock.pauses_in = agreed[clock.kind].pauses_in
        if not _same(last, agreed[clock.kind]):
            term = _term(clock, agreed[clock.kind], at if since_now else clock.started_at, reason=reason)
            term.save()
            held.terms.append(term)
            anew[clock.kind] = clock.state

    changes = anew | _settle(ticket, agree, book)
    changes |= follow_state(ticket, reason=reason)
    running = {held.clock.kind for held in book if held.clock.stopped_at is None}
    wanted = [kind for kind in _at_the_start(ticket, by_machine=False) if kind not in running and kind in agreed]
    if ticket.first_response_at is not None or not _from_a_person(ticket):
        wanted = [kind for kind in wanted if kind != ClockKind.FIRST]
    if ticket.assignee_id is not None:
        wanted = [kind for kind in wanted if kind != ClockKind.OWN]
    return changes | _start(ticket, wanted, since=now if since_now else _began(ticket))


def renew_steps(ticket: Ticket, version: PolicyVersion) -> bool:
    """Let the steps of another version of a ladder hold for the clocks that run. Whether that changed any."""
    book = [(held.clock, recorded(held.clock, held.terms, held.pauses)) for held in _running(ticket)]
    return bool(book) and timers.renew(book, version, time.now())


def _at_the_start(ticket: Ticket, *, by_machine: bool) -> list[str]:
    kinds = [ClockKind.OWN.value, ClockKind.RESOLVE.value]
    if not by_machine:
        kinds.append(ClockKind.FIRST.value)
    if ticket.category.portal_visible:
        kinds.append(ClockKind.INFORM.value)
    return kinds


def _from_a_person(ticket: Ticket) -> bool:
    first = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC).order_by("seq").first()
    return first is not None


def _began(ticket: Ticket) -> dt.datetime:
    """When the present round of the ticket began: its opening, or the last time it was opened again."""
    last = SlaClock.objects.filter(ticket=ticket, kind=ClockKind.RESOLVE).order_by("-round").first()
    return last.started_at if last is not None else ticket.opened_at


# What all of them do


@dataclass(slots=True)
class Running:
    """A clock that runs, with what is on record about it."""

    clock: SlaClock
    terms: list[SlaTerm]
    pauses: list[SlaPause]


def _running(ticket: Ticket) -> list[Running]:
    """The clocks of a ticket that have not ended: one statement where there is none, else three."""
    return _with_records(list(SlaClock.objects.filter(ticket=ticket, stopped_at=None).order_by("pk")))


def _with_records(clocks: list[SlaClock]) -> list[Running]:
    found = {clock.pk: Running(clock, [], []) for clock in clocks}
    if found:
        for term in SlaTerm.objects.filter(clock__in=clocks).select_related("calendar").order_by("pk"):
            found[term.clock_id].terms.append(term)
        for pause in SlaPause.objects.filter(clock__in=clocks).order_by("pk"):
            found[pause.clock_id].pauses.append(pause)
    return list(found.values())


def _settle(ticket: Ticket, each: Callable[[Running, dt.datetime], None], book: list[Running] | None = None) -> Changes:
    """Do something to every clock that runs, reckon anew, and tell what became another."""
    now = time.now()
    book = _running(ticket) if book is None else book
    before = {held.clock.pk: held.clock.state for held in book}
    moved = []
    for held in book:
        was = (held.clock.state, held.clock.due_at, held.clock.stopped_at, list(held.clock.pauses_in))
        each(held, now)
        clock = held.clock
        on_record = recorded(clock, held.terms, held.pauses)
        told = reckon(on_record, now)
        clock.state, clock.due_at = told.state, told.due_at
        if was != (clock.state, clock.due_at, clock.stopped_at, clock.pauses_in):
            clock.save(update_fields=["state", "due_at", "stopped_at", "pauses_in"])
            moved.append((clock, on_record))
    if moved:
        timers.follow(moved, now)
    clocks = [held.clock for held in book]
    _say_when_due(ticket, clocks)
    return {clock.kind: str(clock.state) for clock in clocks if clock.state != before[clock.pk]}


def _say_when_due(ticket: Ticket, book: Iterable[SlaClock]) -> None:
    running = [clock for clock in book if clock.stopped_at is None]
    ticket.due_at = min((clock.due_at for clock in running if clock.due_at), default=None)
    for clock in book:
        if clock.kind == ClockKind.RESOLVE:  # what was promised last stays to be read when it has ended
            ticket.resolve_due_at = clock.due_at or ticket.resolve_due_at


def _stopping(kinds: set[ClockKind]) -> Callable[[Running, dt.datetime], None]:
    def stop(held: Running, now: dt.datetime) -> None:
        if held.clock.kind in kinds:
            _stop(held.clock, now)

    return stop


def _stop(clock: SlaClock, now: dt.datetime, *, void: bool = False) -> None:
    clock.stopped_at = now
    if void:
        clock.state = ClockState.VOID


def _start(ticket: Ticket, kinds: Iterable[str], *, since: dt.datetime | None = None) -> Changes:
    """Begin those of ``kinds`` that are promised, each as the next of its kind, and reckon the ticket anew."""
    wanted = list(kinds)
    agreed = promises.agreed(ticket) if wanted else {}
    planned = [Beginning(kind, agreed[kind]) for kind in wanted if kind in agreed]
    if not planned:
        return {}
    held = SlaClock.objects.filter(ticket=ticket, kind__in=[each.kind for each in planned]).values_list("kind", "round")
    rounds: dict[str, int] = {}
    for kind, number in held:
        rounds[kind] = max(rounds.get(kind, 0), number)
    _write(ticket, planned, started=since or time.now(), rounds=rounds)
    _say_when_due(ticket, [held.clock for held in _running(ticket)])
    return {each.kind: ClockState.RUNNING.value for each in planned}


def _write(ticket: Ticket, planned: list[Beginning], *, started: dt.datetime, rounds: dict[str, int]) -> None:
    if not planned:
        return
    clocks = SlaClock.objects.bulk_create(
        SlaClock(
            ticket=ticket,
            kind=each.kind,
            round=rounds.get(each.kind, 0) + 1,
            started_at=started,
            due_at=_reckoned(each, started),
            pauses_in=[] if each.fixed_at else each.agreed.pauses_in,
            is_internal=not ticket.category.portal_visible,
        )
        for each in planned
    )
    terms = SlaTerm.objects.bulk_create(
        _term(clock, each.agreed, started, fixed_at=each.fixed_at) for clock, each in zip(clocks, planned, strict=True)
    )
    on_record = [(clock, recorded(clock, [term], [])) for clock, term in zip(clocks, terms, strict=True)]
    timers.begin(ticket, on_record, time.now())


def _term(
    clock: SlaClock, agreed: Agreed, since: dt.datetime, *, reason: str = "", fixed_at: dt.datetime | None = None
) -> SlaTerm:
    return SlaTerm(
        clock=clock, since=since, target=agreed.target, fixed_at=fixed_at, calendar=agreed.calendar,
        policy_version=agreed.version, reason=reason[:200],
    )  # fmt: skip


def _same(held: SlaTerm, agreed: Agreed) -> bool:
    version = agreed.version.pk if agreed.version else None
    calendar = agreed.calendar.pk if agreed.calendar else None
    return (held.target, held.calendar_id, held.policy_version_id) == (agreed.target, calendar, version)


def _reckoned(each: Beginning, started: dt.datetime) -> dt.datetime | None:
    return each.fixed_at or each.agreed.hours.add(started, each.agreed.target)
