"""A person as the tables know him, found from his account."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from boss.core.holdings import Subject
from boss.notify.models import Delivery
from boss.tenancy.models import Site, User
from boss.tenancy.selectors import normalise_address, normalise_email
from ipservices.models import Service
from subscribers.models import Account, AccountContact, Collection, Lease, Order, Subscription
from subscribers.normalise import name_keys, phone_digits
from ticketing.models import Ticket, TicketLink
from workflow.models import Run, TaskRun

SHORTEST = 4
"""Shorter texts would blot out what is not of this person."""


def of_account(account: Account) -> Subject:
    """Everything the tables call this account's person by. Inside the account's realm, or in system scope."""
    here = {"realm_id": account.realm_id}
    users = User.objects.filter(pk=account.user_id, **here)
    contacts = AccountContact.objects.filter(account=account, **here)
    orders = Order.objects.filter(Q(account=account) | Q(payer=account), **here)
    subscriptions = Subscription.objects.filter(account=account, **here)
    services = Service.objects.filter(account=account, **here)
    cases = Collection.objects.filter(account=account, **here)
    ids = {
        "account": (account.pk,),
        "user": _keys(users),
        "order": _keys(orders),
        "subscription": _keys(subscriptions),
        "service": _keys(services),
        "site": tuple({pk for pk in (account.site_id, *subscriptions.values_list("site_id", flat=True)) if pk}),
    }
    ids["run"] = _runs(account.realm_id, ids["order"], _keys(cases))
    ids["ticket"] = _tickets(account.realm_id, ids, _keys(cases))
    people = [account, *contacts]
    names = {person.name for person in people} | set(orders.values_list("contact_name", flat=True))
    phones = {person.phone for person in people} | set(orders.values_list("contact_phone", flat=True))
    emails = {person.email for person in people} | set(orders.values_list("contact_email", flat=True))
    for user in users:
        names.add(user.full_name)
        phones.add(user.phone)
        emails.add(user.email)
    for name, phone, email in Lease.objects.filter(order__in=ids["order"], **here).values_list(
        "resident_name", "resident_phone", "resident_email"
    ):
        names.add(name)
        phones.add(phone)
        emails.add(email)
    addresses = {email for email in emails if email} | {normalise_email(email) for email in emails if email}
    ids["message"] = tuple(
        Delivery.objects.filter(address__in=addresses, **here).values_list("message_id", flat=True).distinct()
    )
    streets = {text for site in Site.objects.filter(pk__in=ids["site"], **here) for text in _spellings(site)}
    texts = {*names, *phones, *addresses, *streets}
    texts |= {key for name in names for key in name_keys(name)} | {phone_digits(phone) for phone in phones}
    known = sorted(
        {text.strip() for text in texts if len(text.strip()) >= SHORTEST}, key=lambda text: (-len(text), text)
    )
    return Subject(account.realm_id, ids, tuple(known), tuple(sorted(addresses)))


def _keys(rows: Iterable[object]) -> tuple[int, ...]:
    return tuple(rows.values_list("pk", flat=True))  # type: ignore[attr-defined]


def _spellings(site: Site) -> set[str]:
    street = f"{site.street} {site.unit}".strip()
    return {site.label, street, site.street, normalise_address(site.street), site.address_norm}


def _runs(realm_id: int, orders: tuple[int, ...], cases: tuple[int, ...]) -> tuple[int, ...]:
    """The runs of orders and collection cases, with the runs that are parts of them."""
    of_subjects = Q(subject_kind="subscribers.order", subject_id__in=orders)
    of_subjects |= Q(subject_kind="subscribers.collection", subject_id__in=cases)
    found: set[int] = set()
    newest = set(Run.objects.filter(of_subjects, realm_id=realm_id).values_list("pk", flat=True))
    while newest:
        found |= newest
        parts = Run.objects.filter(parent__run_id__in=newest, realm_id=realm_id).values_list("pk", flat=True)
        newest = set(parts) - found
    return tuple(sorted(found))


def _tickets(realm_id: int, ids: dict[str, tuple[int, ...]], cases: tuple[int, ...]) -> tuple[int, ...]:
    """Tickets he asked for, tickets about what is his, and those his runs opened for people."""
    about = Q(subject_kind="subscribers.collection", subject_id__in=cases)
    for kind, label in (
        ("account", "subscribers.account"),
        ("order", "subscribers.order"),
        ("service", "ipservices.service"),
    ):
        about |= Q(subject_kind=label, subject_id__in=ids[kind])
    linked = TicketLink.objects.filter(about, realm_id=realm_id).values_list("ticket_id", flat=True)
    manual = TaskRun.objects.filter(run_id__in=ids["run"], realm_id=realm_id).values_list("ticket_id", flat=True)
    wanted = Q(requester_id__in=ids["user"]) | about | Q(pk__in=[*linked, *(pk for pk in manual if pk)])
    return _keys(Ticket.objects.filter(wanted, realm_id=realm_id))
