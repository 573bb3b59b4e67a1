"""Time on tickets: timers that run, time written down by hand, and corrections."""

from __future__ import annotations

import datetime as dt

from django.db.models import Sum
from django.utils.translation import gettext as _

from boss.core import audit, clock, locks
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import costs, timesheet
from ticketing.choices import Activity, TimeSource
from ticketing.errors import NoTimer, OnlyPeopleWork
from ticketing.models import Ticket, TicketLink, TimeEntry, Timer

LONGEST = dt.timedelta(hours=16)
"""More than this at a stretch is a timer somebody forgot."""
OLDEST = dt.timedelta(days=366)


@service
def start_timer(*, actor: Actor, ticket: Ticket) -> Timer:
    """Let a timer run for the actor on ``ticket``. One runs already: its time is written down first.

    On the same ticket it goes on running. Raises InvalidInput (field ``minutes``) when the other one has run for so
    long that nobody would believe it, and :class:`OnlyPeopleWork`.
    """
    require(actor, "ticketing.add_timeentry", ticket)
    user = _person(actor)

    running = _running(user)
    if running is not None and running.ticket_id == ticket.pk:
        return running
    if running is not None:
        _end(actor, running, seconds=None, activity=Activity.WORK, is_billable=False, note="")

    timer: Timer = Timer.objects.create(ticket=ticket, user=user, started_at=clock.now())
    audit.record(actor=actor, action="time.timer_started", subject=ticket, after={"at": timer.started_at.isoformat()})
    return timer


@service
def stop_timer(
    *,
    actor: Actor,
    seconds: int | None = None,
    activity: str = Activity.WORK,
    is_billable: bool = False,
    note: str = "",
) -> TimeEntry:
    """End the actor's timer and write its time down. ``seconds``: what it really was, when not what the clock says.

    Raises :class:`NoTimer`, or InvalidInput with the fields (``minutes`` for ``seconds``).
    """
    require(actor, "ticketing.add_timeentry")
    running = _running(_person(actor))
    if running is None:
        raise NoTimer
    return _end(actor, running, seconds=seconds, activity=activity, is_billable=is_billable, note=note)


@service
def discard_timer(*, actor: Actor) -> None:
    """End the actor's timer and write nothing down. Without one nothing happens."""
    require(actor, "ticketing.add_timeentry")
    running = _running(_person(actor))
    if running is None:
        return
    ticket, since = running.ticket, running.started_at.isoformat()
    running.delete()
    audit.record(actor=actor, action="time.discarded", subject=ticket, before={"since": since}, after={})


@service
def add(
    *,
    actor: Actor,
    ticket: Ticket,
    seconds: int,
    started_at: dt.datetime | None = None,
    activity: str = Activity.WORK,
    is_billable: bool = False,
    note: str = "",
) -> TimeEntry:
    """Write down time the actor spent, ended or open ticket alike. Without ``started_at`` it ended just now.

    Raises InvalidInput with the fields ``minutes``, ``started_at``, ``activity``.
    """
    require(actor, "ticketing.add_timeentry", ticket)
    user = _person(actor)

    _believable(seconds)
    now = clock.now()
    begun = started_at or now - dt.timedelta(seconds=seconds)
    if begun > now:
        raise InvalidInput(fields={"started_at": [_("This has not happened yet.")]})
    if now - begun > OLDEST:
        raise InvalidInput(fields={"started_at": [_("That is more than a year ago.")]})

    return _write(
        actor, ticket, user, begun, seconds,
        activity=activity, is_billable=is_billable, note=note, source=TimeSource.MANUAL,
    )  # fmt: skip


@service
def correct(*, actor: Actor, entry: TimeEntry, seconds: int, note: str) -> TimeEntry:
    """Say what ``entry`` really was; 0 takes it back. The difference is written as an entry of its own.

    One's own, or anybody's for those who may correct others. Raises InvalidInput with ``minutes`` or ``note``.
    """
    mine = entry.user_id is not None and entry.user_id == actor.user_id
    require(actor, "ticketing.add_timeentry" if mine else "ticketing.correct_timeentry", entry)

    if entry.corrects_id is not None:
        raise InvalidInput(_("A correction is not corrected; correct the time it belongs to."))
    if seconds:
        _believable(seconds)
    if not note.strip():
        raise InvalidInput(fields={"note": [_("Say why.")]})
    # Two corrections at once would both reckon from the same sum.
    locks.hold(f"ticketing.time:{entry.pk}")
    counted = entry.seconds + (TimeEntry.objects.filter(corrects=entry).aggregate(all=Sum("seconds"))["all"] or 0)
    if seconds == counted:
        raise InvalidInput(fields={"minutes": [_("It says so already.")]})

    correction: TimeEntry = TimeEntry.objects.create(
        ticket_id=entry.ticket_id,
        user_id=entry.user_id,
        pool_id=entry.pool_id,
        account_id=entry.account_id,
        started_at=entry.started_at,
        seconds=seconds - counted,
        cost_rate=entry.cost_rate,
        activity=entry.activity,
        is_billable=entry.is_billable,
        source=TimeSource.CORRECTION,
        note=note.strip()[:200],
        corrects=entry,
        written_by=actor.label[:200],
    )
    audit.record(
        actor=actor, action="time.corrected", subject=entry.ticket,
        before={"seconds": counted}, after={"seconds": seconds, "entry": entry.public_id},
    )  # fmt: skip
    return correction


def _person(actor: Actor) -> User:
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleWork
    person: User = User.objects.get(pk=actor.user_id)
    return person


def _running(user: User) -> Timer | None:
    """The person's timer. Under a lock until the transaction ends, so that two windows end it once."""
    locks.hold(f"ticketing.timer:{user.pk}")
    timer: Timer | None = Timer.objects.filter(user=user).first()
    return timer


def _end(actor: Actor, timer: Timer, *, seconds: int | None, activity: str, is_billable: bool, note: str) -> TimeEntry:
    shown = max(1, round((clock.now() - timer.started_at).total_seconds()))
    if seconds is None and shown > LONGEST.total_seconds():
        raise InvalidInput(
            fields={"minutes": [_("The timer has run since %(when)s: say how long it really was.")
                                % {"when": f"{timer.started_at:%Y-%m-%d %H:%M} UTC"}]}
        )  # fmt: skip
    spent = shown if seconds is None else seconds
    _believable(spent)
    entry = _write(
        actor, timer.ticket, timer.user, timer.started_at, spent,
        activity=activity, is_billable=is_billable, note=note, source=TimeSource.TIMER,
    )  # fmt: skip
    timer.delete()
    return entry


def _believable(seconds: int) -> None:
    if seconds <= 0:
        raise InvalidInput(fields={"minutes": [_("Enter more than nothing.")]})
    if seconds > LONGEST.total_seconds():
        raise InvalidInput(fields={"minutes": [_("Enter at most 16 hours; write the rest down for another day.")]})


def _write(
    actor: Actor,
    ticket: Ticket,
    user: User,
    started_at: dt.datetime,
    seconds: int,
    *,
    activity: str,
    is_billable: bool,
    note: str,
    source: str,
) -> TimeEntry:
    if activity not in Activity.values:
        raise InvalidInput(fields={"activity": [_("Choose one of the activities.")]})
    entry: TimeEntry = TimeEntry.objects.create(
        ticket=ticket,
        user=user,
        pool_id=ticket.pool_id,
        account_id=_account_of(ticket),
        started_at=started_at,
        seconds=seconds,
        cost_rate=costs.find_rate(realm_id=ticket.realm_id, user_id=user.pk, pool_id=ticket.pool_id, at=started_at),
        activity=activity,
        is_billable=is_billable,
        source=source,
        note=note.strip()[:200],
        written_by=actor.label[:200],
    )
    audit.record(
        actor=actor, action="time.written", subject=ticket, after={"seconds": seconds, "entry": entry.public_id}
    )
    return entry


def _account_of(ticket: Ticket) -> int | None:
    """The first account the ticket is about."""
    links = TicketLink.objects.filter(ticket=ticket, account_id__isnull=False).order_by("id")
    account_id: int | None = links.values_list("account_id", flat=True).first()
    return account_id


@service
def hand_out_totals(
    *, actor: Actor, by: timesheet.By, since: dt.datetime, until: dt.datetime
) -> list[timesheet.Total]:  # fmt: skip
    """The totals of :func:`ticketing.timesheet.totals` for a file that leaves the house: who had it made is on record.

    For whoever answers for the time of others.
    """
    require(actor, "ticketing.correct_timeentry")

    found = timesheet.totals(actor, by=by, since=since, until=until)

    audit.record(
        actor=actor, action="time.exported", subject=TimeEntry,
        after={"by": by, "since": since.isoformat(), "until": until.isoformat(), "lines": len(found),
               "with_costs": costs.may_see(actor)},
    )  # fmt: skip
    return found
