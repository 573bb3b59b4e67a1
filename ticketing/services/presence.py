"""Where somebody of the staff is: set by the person, ended by itself, and offline without a sign of life."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from boss.core import audit, clock, events
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy.models import User
from ticketing import staffing
from ticketing.assignment.kinds import PresenceState
from ticketing.errors import OnlyPeopleClaim
from ticketing.events import RoomMade
from ticketing.models import StaffPresence

CLAIM = "ticketing.claim_ticket"
SEEN_EVERY = dt.timedelta(minutes=1)
"""Signs of life are written down so often at most."""
LONGEST = dt.timedelta(days=31)


@service
def set_presence(
    *, actor: Actor, state: str, reason: str = "", until: dt.datetime | None = None
) -> StaffPresence:  # fmt: skip
    """Say where one is oneself. ``until``: busy and away end then, available becomes offline.

    Raises :class:`InvalidInput` with fields ``state``, ``until``, ``reason``.
    """
    require(actor, CLAIM)
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleClaim
    now = clock.now()
    faults: dict[str, list[str]] = {}
    if state not in PresenceState.values:
        faults["state"] = [_("Choose where you are.")]
    if until is not None and not now < until <= now + LONGEST:
        faults["until"] = [_("Choose a time that is still to come, within a month.")]
    if len(reason.strip()) > 120:
        faults["reason"] = [_("At most %(n)s characters.") % {"n": 120}]
    if faults:
        raise InvalidInput(fields=faults)

    user: User = User.objects.select_for_update(no_key=True).get(pk=actor.user_id)
    held: StaffPresence | None = StaffPresence.objects.filter(user=user).first()
    was = staffing.state_of(held, now)
    row: StaffPresence = held or StaffPresence(user=user, since=now)
    if was != state:
        row.since = now
    row.state, row.reason, row.until, row.seen_at = state, reason.strip(), until, now
    if state == PresenceState.OFFLINE:
        row.until = None
    row.save()

    if was != state:
        audit.record(
            actor=actor, action="presence.set", subject=user, before={"state": str(was)},
            after={"state": state, "reason": row.reason},
        )  # fmt: skip
        if state == PresenceState.AVAILABLE:
            events.publish(RoomMade(user_id=user.pk))
    return row


@service
def seen(*, actor: Actor) -> StaffPresence | None:
    """A sign of life of whoever has said where he is: written down at most once a minute, and nowhere else.

    Somebody whose silence had put him offline stays so until he says anew where he is: he may have gone home.
    """
    row: StaffPresence | None = StaffPresence.objects.filter(user_id=actor.user_id).first()
    if row is None or actor.kind != "user":
        return None
    now = clock.now()
    if row.state == PresenceState.OFFLINE:
        return row
    if staffing.state_of(row, now) == PresenceState.OFFLINE:
        row.state, row.reason, row.until, row.since = PresenceState.OFFLINE, "", None, now
        row.save(update_fields=["state", "reason", "until", "since"])
    elif row.seen_at is None or now - row.seen_at >= SEEN_EVERY:
        row.seen_at = now
        row.save(update_fields=["seen_at"])
    return row
