"""Mails of other rooms, about no ticket, that are known again when they come back (rules O1 and M4).

They read as the house writes. On the envelope and in the id they carry what a ticket's mail carries, signed by the same
keys, so that ``bouncing`` finds their delivery; the mail itself is named, as no row of ours stands between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, When

from boss.core.actors import Actor
from boss.core.scoping import new_public_id
from boss.notify.models import Message
from boss.notify.services import messages
from boss.tenancy.selectors import get_realm
from ticketing.mail import composing, tokens
from ticketing.models import Mailbox, Ticket
from ticketing.services.mail import keys, limits

KIND = "n"
"""In ids: a mail that is told, on no ticket."""


@dataclass(frozen=True, slots=True)
class Round:
    """What the mails of one round have in common, read once for all of them.

    Without a ``mailbox`` nobody would read a report, so nothing asks for one. ``unreachable``: addresses in lower case.
    """

    mailbox: Mailbox | None
    keyring: tokens.Keyring | None
    unreachable: frozenset[str]

    def reaches(self, address: str) -> bool:
        """Whether mail to it has not come back for good."""
        return address.lower() not in self.unreachable


def begin(ticket: Ticket, addresses: Iterable[str]) -> Round:
    """A round of mails to ``addresses``. Their reports go to the mailbox of the ticket's category, else the first."""
    is_other = Case(When(category_id=ticket.category_id, then=0), default=1)
    mailbox = Mailbox.objects.filter(is_active=True).order_by(is_other, "id").first()
    keyring = keys.keyring() if mailbox is not None else None
    return Round(mailbox, keyring, limits.unreachable({each.lower() for each in addresses}))


def send(
    goes: Round,
    *,
    actor: Actor,
    template: str,
    to: tuple[str, str],
    context: Mapping[str, Any],
    key: str,
    language: str | None = None,
) -> Message:
    """Send one mail of the round, to (address, name), as :func:`boss.notify.services.messages.send` does."""
    public_id, envelope_from = new_public_id(), ""
    headers: dict[str, str] = {}
    if goes.mailbox is not None and goes.keyring is not None:
        minted = tokens.mint_id(goes.keyring, goes.mailbox.domain, kind=KIND, public_id=public_id, seq=0)
        headers = {
            "Message-ID": f"<{minted}>",
            "X-BOSS-Origin": tokens.origin(goes.keyring, get_realm(actor.realm_id).key),
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
        }
        envelope_from = composing.envelope_sender(goes.keyring, goes.mailbox.address, public_id)
    return messages.send(
        actor=actor, template=template, to=[to], context=context, key=key, language=language, headers=headers,
        envelope_from=envelope_from, public_id=public_id,
    )  # fmt: skip
