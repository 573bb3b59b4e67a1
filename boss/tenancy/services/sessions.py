"""Sessions of a person: seen, ended one by one or all, renewed when his rights change."""

from __future__ import annotations

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied, require
from boss.core.problems import NotFound
from boss.core.services import service
from boss.tenancy.models import Session, User


def list_own(actor: Actor) -> list[Session]:
    """The actor's own open sessions, the last seen first."""
    if actor.user_id is None:
        return []
    rows = Session.objects.filter(realm_id=actor.realm_id, user_id=actor.user_id, expire_date__gt=clock.now())
    return list(rows.order_by("-last_seen_at"))


@service
def end(*, actor: Actor, public_id: str) -> None:
    """End one of the actor's own sessions. Raises :class:`NotFound`."""
    row: Session | None = (
        Session.objects.filter(user_id=actor.user_id, public_id=public_id).first() if actor.user_id else None
    )
    if row is None or row.user is None:
        raise NotFound(session=public_id)

    before = {"address": row.address, "agent": row.agent}
    row.delete()

    audit.record(actor=actor, action="session.ended", subject=row.user, before=before)


@service
def end_all(*, actor: Actor, user: User, but: str = "") -> int:
    """End a person's sessions, all but the one called ``but``. How many. One's own, or with the right to change him."""
    if actor.user_id != user.pk:
        require(actor, "tenancy.change_user", user)

    ended, _each = Session.objects.filter(user=user).exclude(public_id=but or "-").delete()

    if ended:
        audit.record(actor=actor, action="session.all_ended", subject=user, after={"ended": ended})
    return int(ended)


def end_with(user: User, but: str = "") -> None:
    """End the sessions of somebody whose password or standing changed; for services that write the audit row."""
    Session.objects.filter(user=user).exclude(public_id=but or "-").delete()


def rotate_soon(user: User) -> None:
    """The person's rights have changed: each of his sessions gets another key with its next visit."""
    Session.objects.filter(user=user).update(rotate=True)


def require_person(actor: Actor) -> int:
    """The user an actor is. Raises :class:`PermissionDenied` for programs, visitors and the machine."""
    if actor.kind != "user" or actor.user_id is None:
        raise PermissionDenied
    return actor.user_id
