"""The provider's addresses, and whose mail is whose."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from boss.core import audit, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from ticketing.errors import KeyTaken, MailboxUnknown
from ticketing.mail.tokens import claimed_bounce
from ticketing.models import Category, Mailbox
from ticketing.services.mail import bouncing


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail is to go."""

    realm_id: int
    mailbox_id: int


@service
def define(
    *,
    actor: Actor,
    mailbox: Mailbox | None = None,
    address: str = "",
    category: Category,
    accepts_automatic: bool = False,
    is_active: bool = True,
) -> Mailbox:
    """Make a mailbox, or change ``mailbox``, whose address stays.

    Raises :class:`InvalidInput` with the field, :class:`KeyTaken` with ``address`` (also when another provider has it).
    """
    require(actor, "ticketing.manage_mailboxes")

    if category.is_archived and (mailbox is None or mailbox.category_id != category.pk):
        raise InvalidInput(fields={"category": [_("There is no such category.")]})
    made = mailbox is None
    if mailbox is None:
        mailbox = Mailbox(address=_checked(address))
    else:
        mailbox = Mailbox.objects.select_for_update().get(pk=mailbox.pk)

    before = {} if made else {"category": mailbox.category_id, "is_active": mailbox.is_active}
    mailbox.category = category
    mailbox.accepts_automatic, mailbox.is_active = accepts_automatic, is_active
    mailbox.clean_fields(exclude=["category"])
    try:
        with transaction.atomic(using=scoping.alias()):
            mailbox.save()
    except IntegrityError:
        raise KeyTaken(fields={"address": [_("This address is in use already.")]}) from None

    audit.record(
        actor=actor,
        action="mailbox.defined",
        subject=mailbox,
        before=before,
        after={"address": mailbox.address, "category": category.key, "is_active": is_active},
    )
    return mailbox


def place_of(envelope_to: str) -> Place:
    """E2: whose mail it is follows from the envelope's recipient alone. Raises :class:`MailboxUnknown`.

    Inside a realm only its own addresses are looked at; outside, by the dispatcher, those of all.
    """
    address = envelope_to.strip("<> ").lower()
    local, _at, domain = address.rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    named = claimed_bounce(address)
    if named is not None:
        return _of_bounce(named, address, domain)
    with scoping.dispatch_transaction("mail") if scoping.current() is None else transaction.atomic():
        row = Mailbox.objects.filter(address__in=[address, plain], is_active=True).values_list("realm_id", "pk").first()
    if row is None:
        raise MailboxUnknown(address=envelope_to)
    return Place(*row)


def _of_bounce(named: str, address: str, domain: str) -> Place:
    """A report of failure goes to an address of no mailbox: it is the realm's that sent the mail it names."""
    with scoping.dispatch_transaction("mail") if scoping.current() is None else transaction.atomic():
        candidates = list(
            Mailbox.objects.filter(address__endswith=f"@{domain}", is_active=True)
            .order_by("pk")
            .values_list("realm_id", "pk")[:200]
        )
    for realm_id in dict.fromkeys(realm_id for realm_id, _mailbox_id in candidates):
        with scoping.realm_transaction(realm_id, "mail"):
            if named is not None and bouncing.find_sent(named) is not None:
                return Place(realm_id, next(pk for of_realm, pk in candidates if of_realm == realm_id))
    raise MailboxUnknown(address=address)


def _checked(address: str) -> str:
    address = address.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise InvalidInput(fields={"address": [_("Enter an e-mail address.")]}) from None
    if "+" in address or address.startswith("b@"):
        raise InvalidInput(
            fields={"address": [_("Addresses with a plus are made for every mail; choose one without.")]}
        )
    return address
