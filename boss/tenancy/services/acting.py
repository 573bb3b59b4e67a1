"""Seeing self-help as a subscriber sees it: read-only, for half an hour, with a reason, under both names."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.utils.translation import gettext as _

from boss.core import audit, clock, scoping
from boss.core.actors import Actor, Operator
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors
from boss.tenancy.errors import CannotActAs
from boss.tenancy.models import ActingSession, User

ACT_AS = "tenancy.act_as"
LONGEST = dt.timedelta(minutes=30)
SESSION_KEY = "acting_as"


@service
def begin(*, actor: Actor, subscriber: User, reason: str) -> ActingSession:
    """Open a visit. Raises :class:`InvalidInput` (``reason``) and :class:`CannotActAs`. An earlier visit ends.

    A program has no eyes: only a person signed in can begin one.
    """
    require(actor, ACT_AS)
    require(actor, "tenancy.view_user", subscriber)

    if not reason.strip():
        raise InvalidInput(fields={"reason": [_("Say why, for instance the number of the ticket.")]})
    if actor.kind != "user" or actor.user_id is None:
        raise CannotActAs
    if subscriber.kind != User.Kind.SUBSCRIBER or not subscriber.is_active:
        raise CannotActAs

    for earlier in ActingSession.objects.filter(staff_id=actor.user_id, ended_at=None):
        _end(actor, earlier)
    now = clock.now()
    visit: ActingSession = ActingSession.objects.create(
        staff_id=actor.user_id,
        subscriber=subscriber,
        reason=reason.strip()[:200],
        started_at=now,
        ends_at=now + LONGEST,
    )

    audit.record(
        actor=_as(actor, visit), action="acting.begun", subject=subscriber,
        after={"reason": visit.reason, "until": visit.ends_at.isoformat()},
    )  # fmt: skip
    return visit


@service
def end(*, actor: Actor, public_id: str) -> None:
    """Close one's own visit, if it is still open."""
    visit: ActingSession | None = (
        ActingSession.objects.select_related("subscriber")
        .filter(public_id=public_id, staff_id=actor.user_id, ended_at=None)
        .first()
    )
    if visit is not None:
        _end(actor, visit)


def _end(actor: Actor, visit: ActingSession) -> None:
    visit.ended_at = min(clock.now(), visit.ends_at)
    visit.save(update_fields=["ended_at"])
    after = {"ended_at": visit.ended_at.isoformat()}
    audit.record(actor=_as(actor, visit), action="acting.ended", subject=visit.subscriber, after=after)


def _as(actor: Actor, visit: ActingSession) -> Actor:
    """The member of staff in the subscriber's place, for the audit trail."""
    return standing_in(visit.subscriber, Operator(visit.staff_id, actor.label), actor.request_id)


def standing_in(subscriber: User, operator: Operator, request_id: str = "") -> Actor:
    """The subscriber's rights with the name of who really looks; every service refuses such an actor."""
    return dataclasses.replace(selectors.actor_for_user(subscriber, request_id), operator=operator)


def find_open(staff: User, public_id: str) -> ActingSession | None:
    """The visit this person has open under this id: not ended, not over, and he may still do it."""
    visit: ActingSession | None = (
        ActingSession.objects.select_related("subscriber")
        .filter(public_id=public_id, staff=staff, ended_at=None, ends_at__gt=clock.now(), subscriber__is_active=True)
        .first()
    )
    if visit is None:
        return None
    looking = selectors.actor_for_user(staff)
    allowed = any(grant.kind == "realm" and ACT_AS in grant.permissions for grant in looking.grants)
    return visit if allowed else None


def list_of(actor: Actor) -> list[ActingSession]:
    """Who of the staff looked at self-help as the actor sees it, newest first: his own history. At most 50."""
    if actor.user_id is None:
        return []
    visits = ActingSession.objects.select_related("staff").filter(subscriber_id=actor.user_id).order_by("-id")
    with scoping.as_application():  # staff are no rows of a customer's; the name of who looked is told him all the same
        return list(visits[:50])
