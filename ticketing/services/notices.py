"""Telling staff: written in the transaction of what happened, gathered per person, sent as few mails as possible.

Nobody gets more than ``MOST_MAILS`` such mails an hour: what is more waits and goes out together. A page waits for no
working hours, and not behind that number but behind its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils import translation
from django.utils.translation import gettext as _

from boss.core import clock as time
from boss.core import scoping
from boss.core.actors import Actor
from boss.core.services import service
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from ticketing.errors import OnlyPeopleWatch
from ticketing.models import StaffNotice, Ticket

HOUR = dt.timedelta(hours=1)
MOST_MAILS = 6
MOST_PAGES = 20
MOST_LINES = 50
"""Lines of one mail; how many more there are is said in it."""


def write(
    ticket: Ticket,
    people: Iterable[User],
    *,
    key: str,
    text: str,
    hours: str = "",
    page: bool = False,
) -> list[User]:
    """Tell each of ``people`` once under ``key``: now or (unless it is a page) when the calendar ``hours`` opens.

    Gives back who is told.
    """
    told = list(people)
    due_at = time.now()
    calendar = tenancy.find_calendar(hours) if hours and not page else None
    if calendar is not None:
        opens = next((opens for opens, _closes in calendar.openings(due_at, 1)), due_at)
        due_at = max(due_at, opens)
    StaffNotice.objects.bulk_create(
        (
            StaffNotice(user=user, ticket=ticket, key=key[:120], text=text[:300], is_page=page, due_at=due_at)
            for user in told
        ),
        ignore_conflicts=True,
    )
    return told


def tell(
    ticket: Ticket, user: User, *, key: str, text: str, due_at: dt.datetime, gathers: bool, by_mail: bool, in_app: bool,
    after_end: bool,
) -> None:  # fmt: skip
    """Tell one person once under ``key``: by mail at ``due_at``, in the console at once. With ``gathers`` it goes out
    with what is to be told him before that anyhow, so that there is one mail and not two."""
    if gathers and by_mail:
        waiting = StaffNotice.objects.filter(user=user, due_at__gt=time.now(), due_at__lte=due_at)
        due_at = waiting.order_by("due_at").values_list("due_at", flat=True).first() or due_at
    notice = StaffNotice(
        user=user, ticket=ticket, key=key[:120], text=text[:300], due_at=due_at if by_mail else None, in_app=in_app,
        after_end=after_end,
    )  # fmt: skip
    StaffNotice.objects.bulk_create([notice], ignore_conflicts=True)


@service
def mark_seen(*, actor: Actor) -> int:
    """The actor has looked at what stands in the console for him. How many notices were new."""
    if actor.user_id is None:
        raise OnlyPeopleWatch
    new = StaffNotice.objects.filter(user_id=actor.user_id, in_app=True, seen_at=None)
    return int(new.update(seen_at=time.now()))


def sweep(limit: int = 500) -> int:
    """Send what is due in all realms. Returns how many mails were written. Any number of sweepers may run at once."""
    with scoping.dispatch_transaction("notices"):
        due = StaffNotice.objects.filter(due_at__lte=time.now()).values_list("realm_id", "user_id")
        people = list(dict.fromkeys(due.order_by("due_at")[:limit]))
    return sum(_deliver_in(realm_id, user_id) for realm_id, user_id in people)


def _deliver_in(realm_id: int, user_id: int) -> int:
    with scoping.realm_transaction(realm_id, "notices"):
        return deliver(actor=Actor.system(realm_id, _("The desk")), user_id=user_id)


@service
def deliver(*, actor: Actor, user_id: int) -> int:
    """One mail with all that is due for one person, if he has not had too many. How many were written: 0 or 1."""
    now = time.now()
    user: User | None = User.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=user_id).first()
    if user is None:  # another worker is at it
        return 0
    rows = StaffNotice.objects.select_for_update(of=("self",)).select_related("ticket").order_by("pk")
    waiting = list(rows.filter(user=user, due_at__lte=now))
    # Who has left is told nothing, and nobody about a ticket that was ended in the meantime.
    due = [each for each in waiting if user.is_active and (each.ticket.is_open or each.after_end)]
    _put_off([each for each in waiting if each not in due], None)
    if not due:
        return 0
    is_page = any(each.is_page for each in due)
    lately = StaffNotice.objects.filter(user=user, told_at__gt=now - HOUR).order_by("told_at")
    sent = list(dict.fromkeys(lately.values_list("told_at", flat=True)))
    if len(sent) >= (MOST_PAGES if is_page else MOST_MAILS):
        _put_off(due, sent[0] + HOUR)
        return 0

    first = due[-1]
    with translation.override(user.language):
        messages.send(
            actor=actor,
            template="desk_notices",
            to=[(user.email, user.full_name)],
            context={
                "name": user.get_short_name(),
                "lines": [
                    (each.text, f"{each.ticket.number} {each.ticket.title}", _link(actor.realm_id, each.ticket))
                    for each in due[:MOST_LINES]
                ],
                "more": max(0, len(due) - MOST_LINES),
                "count": len(due),
                "headline": f"{due[0].ticket.number}: {due[0].text}",
            },
            key=f"ticketing.notices:{user.pk}:{first.pk}",
            language=user.language,
        )
    for each in due:
        each.due_at, each.told_at = None, now
    StaffNotice.objects.bulk_update(due, ["due_at", "told_at"])
    return 1


def _put_off(due: list[StaffNotice], until: dt.datetime | None) -> None:
    StaffNotice.objects.filter(pk__in=[each.pk for each in due]).update(due_at=until)


def _link(realm_id: int, ticket: Ticket) -> str:
    return f"{home_of(realm_id)}console/tickets/{ticket.public_id}/"
