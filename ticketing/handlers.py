"""What follows from the facts of the desk: the requester hears of his ticket by mail.

Only in categories offered to customers: fallout and office work are nobody's business outside. Every mail is keyed
by what it tells, so a fact delivered twice is told once. Where the realm has a mailbox, the mail can be answered.
"""

from __future__ import annotations

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.files import FileScanned
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy.models import User
from ticketing import mail_texts
from ticketing.choices import MessageChannel, MessageKind, OutboundKind, TicketState
from ticketing.events import (
    CategoryPublished,
    MessageAdded,
    RoomMade,
    TicketChanged,
    TicketOpened,
    TicketResolved,
    TicketWaits,
)
from ticketing.mail import composing
from ticketing.models import Attachment, Category, Message, Ticket
from ticketing.services import assigning, attaching, automation
from ticketing.services.mail import outgoing
from ticketing.services.tickets import projecting


def acknowledge(happened: TicketOpened) -> None:
    """Tell the requester the number of his ticket. Who wrote a mail was told when it was read, if he was to be."""
    ticket = _ticket(happened.ticket_id)
    if outgoing.goes_by_mail(ticket):
        came_by_mail = ticket.messages.filter(channel=MessageChannel.MAIL).exists()
        if not came_by_mail and ticket.category.portal_visible:
            outgoing.acknowledge(actor=_machine(), ticket=ticket)
        return
    _tell(ticket, OutboundKind.RECEIVED, key=f"ticketing.received:{ticket.public_id}")


def pass_on_answer(happened: MessageAdded) -> None:
    """Send the requester what a person of the staff has answered."""
    ticket = _ticket(happened.ticket_id)
    message: Message = Message.objects.get(pk=happened.message_id)
    if message.kind != MessageKind.PUBLIC or message.from_customer or message.author_kind != "user":
        return
    if outgoing.goes_by_mail(ticket):
        outgoing.answer(actor=_machine(), ticket=ticket, message=message)
        return
    if message.author_id == ticket.requester_id:
        return
    _tell(
        ticket,
        OutboundKind.ANSWER,
        key=f"ticketing.answer:{message.public_id}",
        files=outgoing.along(message),
        author=message.author_label,
        body=message.body,
    )


def tell_resolved(happened: TicketResolved) -> None:
    """Tell the requester that his ticket is solved, unless it was reopened in the meantime."""
    ticket = _ticket(happened.ticket_id)
    if happened.told or ticket.state not in (TicketState.RESOLVED, TicketState.CLOSED):
        return
    if outgoing.goes_by_mail(ticket):
        outgoing.tell_resolved(actor=_machine(), ticket=ticket)
    else:
        _tell(ticket, OutboundKind.RESOLVED, key=f"ticketing.resolved:{ticket.public_id}:{ticket.reopen_count}")


def copy_values(happened: CategoryPublished) -> None:
    """The marks of fields may have changed: the typed copy of the category's tickets is made anew."""
    projecting.copy_all(Category.objects.get(pk=happened.category_id))


def place_new(happened: TicketOpened) -> None:
    """A new ticket is given to somebody of its pool, if the pool gives tickets out."""
    assigning.arrived(actor=_assigner(), ticket_id=happened.ticket_id)


def place_waiting(happened: TicketWaits) -> None:
    """So is one that came into another pool, or back."""
    assigning.arrived(actor=_assigner(), ticket_id=happened.ticket_id)


def use_room(happened: RoomMade) -> None:
    """Somebody can have more: what waits in his pools is looked at."""
    assigning.use_room(actor=_assigner(), user_id=happened.user_id)


def obey_rules(happened: TicketChanged) -> None:
    """The rules that wait for this look at it."""
    automation.look(
        actor=Actor.system(scoping.current_realm_id(), "Automation"), ticket_id=happened.ticket_id,
        event_id=happened.event_id, cause_id=happened.rule_run_id,
    )  # fmt: skip


def note_scan(happened: FileScanned) -> None:
    """What the scanner said of a file is said of the attachments that are it."""
    attaching.note_scan(happened.file_id)


def _assigner() -> Actor:
    return Actor.system(scoping.current_realm_id(), assigning.LABEL)


def _machine() -> Actor:
    return Actor.system(scoping.current_realm_id(), "E-mail")


def _ticket(ticket_id: int) -> Ticket:
    ticket: Ticket = Ticket.objects.select_related("requester", "category").get(pk=ticket_id)
    return ticket


_NO_FILES: tuple[list[Attachment], list[Attachment]] = ([], [])


def _tell(
    ticket: Ticket,
    kind: str,
    *,
    key: str,
    files: tuple[list[Attachment], list[Attachment]] = _NO_FILES,
    **more: str,
) -> None:
    requester = ticket.requester
    if requester is None or not requester.is_active or requester.kind != User.Kind.SUBSCRIBER:
        return
    if not ticket.category.portal_visible:
        return
    realm_id = scoping.current_realm_id()
    context = {
        "name": requester.get_short_name(),
        "number": ticket.number,
        "title": ticket.title,
        "link": f"{home_of(realm_id)}my/tickets/{ticket.public_id}/",
        "files": [each.name for each in files[0]],
        "not_sent": [each.name for each in files[1]],
        **more,
    }
    own_words = mail_texts.written(kind, requester.language, ticket, context)
    if own_words:
        context |= {"written": own_words, "subject": composing.subject(ticket.title, ticket.number)}
    messages.send(
        actor=Actor.system(realm_id),
        template="ticket_written" if own_words else f"ticket_{kind}",
        to=[(requester.email, requester.full_name)],
        context=context,
        key=key,
        language=requester.language,
        files=outgoing.parts_of(files[0]),
    )
