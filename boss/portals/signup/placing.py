"""The two things sign-up asks the rooms below to do: take an order, take a lead."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from boss.portals.signup import offers
from boss.portals.signup.drafts import Draft
from boss.portals.signup.forms import contact_details
from catalog.pricing import OptionChoice
from subscribers.contact import PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from ticketing import selectors as desk
from ticketing.choices import CategoryKind
from ticketing.models import Ticket
from ticketing.services import tickets


def place(request: HttpRequest, draft: Draft) -> Order:
    """Place the draft. The draft's key makes a second submit give the first order."""
    site = offers.find_site(request, draft.site)
    offer = offers.find_offer(request, draft)
    if site is None or offer is None:
        raise InvalidInput(_("This plan is no longer sold at your address. Please choose again."))
    return orders.submit(
        actor=request.actor,  # type: ignore[attr-defined]
        site=site,
        plan_version=offer.version,
        options=[OptionChoice(key, count) for key, count in draft.options.items()],
        chosen=draft.chosen,
        contact=contact_details(draft.contact),
        payment=PaymentChoice(method=draft.method, token=draft.card_token),
        key=draft.key,
        channel="portal",
    )


def leave_word(request: HttpRequest, address: str, person: dict[str, Any]) -> Ticket:
    """Open a lead for an address that cannot be served yet."""
    category = next((item for item in desk.list_portal_categories() if item.kind == CategoryKind.LEAD), None)
    if category is None:
        raise InvalidInput(_("We cannot take this here at the moment. Please call us."))
    lines = [
        _("Asked for service at: %(address)s") % {"address": address},
        _("Name: %(name)s") % {"name": person["full_name"]},
        _("E-mail: %(email)s") % {"email": person["email"]},
    ]
    if person.get("phone"):
        lines.append(_("Phone: %(phone)s") % {"phone": person["phone"]})
    if person.get("note"):
        lines.append("")
        lines.append(person["note"])
    return tickets.open(
        actor=request.actor,  # type: ignore[attr-defined]
        category_key=category.key,
        title=_("Service wanted at %(address)s") % {"address": address[:150]},
        body="\n".join(lines),
    )
