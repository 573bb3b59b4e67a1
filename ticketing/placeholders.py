"""What a text to insert may leave open: names of a closed list in braces.

``{{ customer_name }}`` is the spelling of all texts that providers write (``ticketing.mail.language``, of which this is
the part without conditions); ``{customer_name}`` means the same here, as it is quicker to type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.core.actors import Actor
from boss.tenancy.selectors import get_brand
from ticketing.models import Ticket

KNOWN: Mapping[str, str | Promise] = {
    "customer_name": _("the customer's name"),
    "ticket_number": _("the ticket's number"),
    "my_name": _("my name"),
    "provider_name": _("the provider's name"),
    "provider_phone": _("the provider's phone"),
}
_IN_BRACES = re.compile(r"\{(?P<twice>\{)?\s*(?P<name>[A-Za-z0-9_ ]*?)\s*\}(?(twice)\})")


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its values. ``missing``: the names nothing is known for; they still stand in the text."""

    text: str
    missing: tuple[str, ...] = ()

    @property
    def missing_words(self) -> tuple[str, ...]:
        return tuple(str(KNOWN[name]) for name in self.missing)


def unknown(text: str) -> list[str]:
    """The names in braces that are none of the list, as they were written."""
    return sorted({name for name in _written(text) if name not in KNOWN})


def left(text: str) -> list[str]:
    """The names of the list that still stand in a text, in words."""
    return [str(words) for name, words in KNOWN.items() if name in _written(text)]


def _written(text: str) -> set[str]:
    return {found["name"] for found in _IN_BRACES.finditer(text)}


def values(actor: Actor, ticket: Ticket) -> dict[str, str]:
    """What the names stand for on this ticket, written by this person. Two statements at most."""
    brand = get_brand(actor.realm_id)
    return {
        "customer_name": ticket.requester.full_name if ticket.requester else "",
        "ticket_number": ticket.number,
        "my_name": actor.label,
        "provider_name": brand.name,
        "provider_phone": brand.phone,
    }


def fill(text: str, known: Mapping[str, str]) -> Filled:
    """``text`` with what is ``known`` put in. A name without a value stays as it was written."""
    missing: dict[str, None] = {}

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if value := known.get(name, ""):
            return value
        if name in KNOWN:
            missing[name] = None
        return found.group(0)

    return Filled(_IN_BRACES.sub(put, text), tuple(missing))
