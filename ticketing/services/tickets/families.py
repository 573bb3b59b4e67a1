"""A parent does not end over the heads of its open children: whoever ends it says what becomes of them."""

from __future__ import annotations

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from ticketing import links, selectors
from ticketing.errors import OpenChildren
from ticketing.models import Ticket


def ending_with(ticket: Ticket, *, actor: Actor, children: str) -> list[Ticket]:
    """The open children that are to end with a ticket that is about to end (``children`` "close"; "leave": none).

    The machine is not asked: it leaves them. Raises :class:`OpenChildren` with field ``children``.
    """
    if actor.is_system or children == "leave":
        return []
    found = list(links.open_children(ticket))
    if not found:
        return []
    numbers = ", ".join(each.number for each in found[:10]) + ("…" if len(found) > 10 else "")
    if children != "close":
        told = _("Still open: %(numbers)s. Choose whether they end with it or go on.")
        raise OpenChildren(
            fields={"children": [told % {"numbers": numbers}]}, children=[each.public_id for each in found]
        )
    own = [each.number for each in found if selectors.outcomes_of(each)]
    if own:
        told = _("These end by the work they are about, not with their parent: %(numbers)s.")
        raise OpenChildren(fields={"children": [told % {"numbers": ", ".join(own)}]})
    return found
