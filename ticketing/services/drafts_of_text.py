"""What somebody types on a ticket, kept until it is sent: own, per ticket, reply and note apart."""

from __future__ import annotations

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import desk
from ticketing.choices import MessageKind
from ticketing.errors import OnlyPeopleWrite
from ticketing.models import TextDraft, Ticket
from ticketing.models.thread import VIEW_INTERNAL

LONGEST = 20_000
KINDS = (MessageKind.PUBLIC.value, MessageKind.INTERNAL.value)
_AT_ONCE = 5000


@service
def keep(*, actor: Actor, ticket: Ticket, kind: str, body: str) -> TextDraft | None:
    """Keep what was typed in place of what was kept before; nothing is left of an emptied one (None).

    No audit row: nobody but its author sees it, and it is written every few seconds. Raises
    :class:`OnlyPeopleWrite`, and InvalidInput with ``kind``, ``body``.
    """
    require(actor, VIEW_INTERNAL, ticket)
    if actor.kind != "user" or actor.user_id is None:
        raise OnlyPeopleWrite

    if kind not in KINDS:
        raise InvalidInput(fields={"kind": ["public, internal"]})
    if len(body) > LONGEST:
        raise InvalidInput(fields={"body": [f"≤ {LONGEST}"]})
    if not body.strip():
        TextDraft.objects.filter(user_id=actor.user_id, ticket=ticket, kind=kind).delete()
        return None
    draft: TextDraft = TextDraft.objects.update_or_create(
        user_id=actor.user_id, ticket=ticket, kind=kind, defaults={"body": body, "kept_at": clock.now()}
    )[0]
    return draft


def sweep() -> int:
    """Throw away what was not sent for fourteen days, in all realms. How many."""
    with scoping.system_transaction("old drafts"):
        old = TextDraft.objects.filter(kept_at__lt=clock.now() - desk.DRAFTS_KEPT).order_by("kept_at")
        found = list(old.values_list("pk", flat=True)[:_AT_ONCE])
        return int(TextDraft.objects.filter(pk__in=found).delete()[0])
