"""The two things sign-up asks the rooms below to do: take an order, take a lead."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from boss.core.problems import InvalidInput
from boss.portals.signup import offers
from boss.portals.signup.drafts import Draft
from boss.portals.signup.forms import contact_details
from boss.tenancy import signing_in
from boss.tenancy.limits import Purpose
from boss.tenancy.models import User
from catalog.pricing import OptionChoice
from subscribers import selectors as subscribers
from subscribers.choices import AccountState
from subscribers.contact import PaymentChoice
from subscribers.models import Account, Order
from subscribers.services import known_customers, orders
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
        account=_own_account(request),
        key=draft.key,
        channel="portal",
    )


def _own_account(request: HttpRequest) -> Account | None:
    """A customer who has signed in orders for the account he has; everybody else is new."""
    user = request.user
    if not user.is_authenticated or user.kind != User.Kind.SUBSCRIBER:  # type: ignore[union-attr]
        return None
    mine = subscribers.list_accounts(request.actor).filter(user=user)  # type: ignore[attr-defined]
    account: Account | None = mine.exclude(state=AccountState.CLOSED).order_by("id").first()
    return account


def tell_owner(request: HttpRequest, draft: Draft) -> None:
    """The address of the draft is known here: its reader hears by mail how the order goes on.

    Raises :class:`SignInPaused` when too many mails were asked for from one network.
    """
    email = draft.contact["email"]
    asked = signing_in.attempt(request, Purpose.LINK, email.strip().lower()[:254], None)
    asked.refuse_floods()
    asked.count()
    offer = offers.find_offer(request, draft)
    known_customers.tell(
        actor=request.actor,  # type: ignore[attr-defined]
        email=email,
        plan=offer.version.plan.title if offer else "",
        path=reverse("signup:review"),
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
