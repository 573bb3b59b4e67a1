"""Files by the link in the notice about a mail that was too large (rule E3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils.translation import gettext as _

from boss.core import clock, events, scoping
from boss.core.actors import Actor
from boss.core.files import Source, Upload
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing import upload_links
from ticketing.choices import MessageKind, ParticipantRole, ParticipantState
from ticketing.errors import BadUploadLink, TicketClosed, TooManyUploads
from ticketing.events import MessageAdded
from ticketing.mail.neutral import Address
from ticketing.models import Message, Participant, TicketEvent
from ticketing.services import attaching, tickets
from ticketing.services.mail.applying import author_of
from ticketing.services.tickets import journal, talking

LABEL = "Upload"
DAY = dt.timedelta(days=1)
MOST_A_DAY = 10
"""Times that files may be sent by one participant's links in a day."""


def get_invited(presented: str) -> Participant:
    """Whom a link was made for, in the realm entered. Raises :class:`BadUploadLink`, also if he takes no part now."""
    read = upload_links.read(presented)
    if read is None or read[0] != scoping.current_realm_id():
        raise BadUploadLink
    rows = Participant.objects.select_related("ticket__category", "user").exclude(role=ParticipantRole.STAFF)
    found: Participant | None = rows.filter(public_id=read[1], state=ParticipantState.ACCEPTED).first()
    if found is None:
        raise BadUploadLink
    return found


def upload(*, presented: str, files: Sequence[Source | Upload], body: str = "") -> Message:
    """Put files on the ticket in the name of whom the link was made for, as his answer.

    Raises :class:`BadUploadLink`, :class:`TicketClosed`, :class:`TooManyUploads`, :class:`InvalidInput` with
    ``files``.
    """
    participant = get_invited(presented)
    return _upload(actor=Actor.system(participant.realm_id, LABEL), invited=participant, files=files, body=body)


@service
def _upload(*, actor: Actor, invited: Participant, files: Sequence[Source | Upload], body: str) -> Message:
    ticket = journal.locked_survivor(invited.ticket)

    require(actor, "ticketing.add_message", ticket)

    if tickets.is_final(ticket):
        raise TicketClosed
    uploads = attaching.wrapped(files)
    if not uploads:
        raise InvalidInput(fields={"files": [_("Please choose at least one file.")]})
    lately = TicketEvent.objects.filter(
        ticket=ticket, type="message_added", at__gt=clock.now() - DAY, after__invited=invited.public_id
    )
    if lately.count() >= MOST_A_DAY:
        raise TooManyUploads
    attaching.check(uploads, realm_id=ticket.realm_id)

    author = author_of(Address(invited.email, invited.name), invited.user)
    before, changes = ticket.state, talking.wake(ticket)
    after = {"kind": MessageKind.PUBLIC.value, "files": len(uploads), "invited": invited.public_id}
    after |= {} if before == ticket.state else {"state": ticket.state}
    after |= {"clocks": changes} if changes else {}
    journal.write(ticket, actor=author, event="message_added", before={"state": before}, after=after)
    message = journal.say(ticket, actor=author, body=body.strip(), kind=MessageKind.PUBLIC)
    attaching.keep(uploads, actor=author, ticket=ticket, message=message)

    events.publish(MessageAdded(ticket_id=ticket.pk, message_id=message.pk))
    return message
