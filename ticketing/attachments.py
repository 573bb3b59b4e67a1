"""Reads of files on tickets. Who may see one is decided here, for pages, portals and the API alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from boss.core import files
from boss.core.actors import Actor
from boss.core.models import FileScan
from boss.core.problems import NotFound, WrongState
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors
from ticketing.fields import Viewer
from ticketing.models import Attachment, Message, Ticket


class NotOffered(WrongState):
    """The file is not handed out: it is still being checked, or the scanner refuses it."""

    code = "ticketing.file_not_offered"
    title = _("This file cannot be opened: it is still being checked, or the virus scanner refuses it.")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file with its bytes, for whoever may have it."""

    attachment: Attachment
    content: bytes


def list_attachments(actor: Actor) -> ScopedQuerySet:
    """Every file the actor may see, newest first, as far as rows tell: fields are asked one by one by :func:`get`."""
    rows: ScopedQuerySet = Attachment.objects.visible_to(actor).select_related("ticket", "ticket__category")
    return rows.order_by("-id")


def of_messages(actor: Actor, messages: Iterable[Message]) -> dict[int, list[Attachment]]:
    """The files of messages that the actor sees, by message, in the order they were attached. One statement."""
    keys = [message.pk for message in messages]
    found: dict[int, list[Attachment]] = {}
    for row in Attachment.objects.visible_to(actor).filter(message__in=keys).order_by("id") if keys else ():
        found.setdefault(row.message_id, []).append(row)
    return found


def of_fields(actor: Actor, ticket: Ticket, known: selectors.Known, viewer: Viewer) -> dict[str, Attachment]:
    """What the ticket's file fields hold, by the file's public id, of those the viewer may read."""
    readable = known.data_for(ticket, viewer)
    keys = [str(readable[key]) for key, field in known.fields.items() if field.type == "file" and key in readable]
    rows = Attachment.objects.visible_to(actor).filter(ticket=ticket, public_id__in=keys) if keys else ()
    return {row.public_id: row for row in rows}


def get(actor: Actor, public_id: str) -> Attachment:
    """One file the actor may see. Raises :class:`NotFound`.

    Of a field only what it holds now, and only for those who read the field; staff see what it held before as well.
    """
    row: Attachment | None = list_attachments(actor).filter(public_id=public_id).first()
    if row is None or (row.message_id is None and not _reads_field(actor, row)):
        raise NotFound
    return row


def fetch(actor: Actor, public_id: str) -> Fetched:
    """One file with its bytes. Raises :class:`NotFound`, :class:`NotOffered`."""
    row = get(actor, public_id)
    if not row.is_offered:
        raise NotOffered(scan=row.scan)
    return Fetched(row, files.content_of(row.file_id))


def _reads_field(actor: Actor, row: Attachment) -> bool:
    ticket = row.ticket
    known = selectors.known(ticket.category)
    viewer = selectors.viewer_of(actor, known.fields.values())
    if viewer.role in ("staff", "system"):
        field = known.fields.get(row.field)
        if field is not None:
            return field.level(viewer) != "none"
        return row.field in selectors.orphans(ticket, viewer) or viewer.role == "system"
    return known.data_for(ticket, viewer).get(row.field) == row.public_id


def is_waiting(row: Attachment) -> bool:
    """It is still being checked."""
    return bool(row.scan == FileScan.PENDING)
