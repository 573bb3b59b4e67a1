"""What was said on a ticket, as its page shows it: the brief a machine wrote first, then the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boss.console.presenters import tickets as present
from boss.core.actors import Actor
from boss.look.attached import Shown, shown
from ticketing import attachments, selectors
from ticketing.choices import MessageKind
from ticketing.models import Ticket


@dataclass(frozen=True, slots=True)
class Conversation:
    brief: str
    brief_files: Sequence[Shown]
    said: list[present.Said]


def of_ticket(actor: Actor, ticket: Ticket) -> Conversation:
    messages = list(selectors.list_messages(actor, ticket))
    files = {pk: shown(rows, present.url_of_file) for pk, rows in attachments.of_messages(actor, messages).items()}
    brief = messages[0].body if messages and messages[0].kind == MessageKind.SYSTEM else ""
    return Conversation(
        brief=brief,
        brief_files=files.get(messages[0].pk, ()) if brief else (),
        said=present.conversation(messages[1:] if brief else messages, ticket, files),
    )
