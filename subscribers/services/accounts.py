"""Opening, changing, activating and closing accounts. Keeps what search compares in step with what people see."""

from __future__ import annotations

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext as _

from boss.core import audit, clock, events, numbers
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput, WrongState
from boss.core.services import service
from boss.tenancy import addresses
from boss.tenancy.models import Organization, Site, User
from subscribers import events as facts
from subscribers.choices import AccountState, SubscriptionState
from subscribers.contact import ContactDetails, tidied
from subscribers.errors import AccountInUse
from subscribers.models import Account, AccountContact, NameWord, Subscription
from subscribers.models.accounts import Reachable
from subscribers.normalise import deletions, name_keys, name_words, phone_digits

FIRST_NUMBER = 10001


@service
def open(
    *, actor: Actor, contact: ContactDetails, site: Site | None = None, organization: Organization | None = None
) -> Account:
    """Open a pending account. Raises :class:`InvalidInput` with the contact's fields."""
    require(actor, "subscribers.open_account")

    details = tidied(contact)

    return establish(actor=actor, contact=details, site=site, organization=organization)


@service
def establish(
    *, actor: Actor, contact: ContactDetails, site: Site | None, organization: Organization | None = None
) -> Account:
    """Write a pending account for tidied details: for services that have asked their own permission.

    Raises :class:`InvalidInput` with ``email`` where it is one that no customer may sign in with.
    """
    addresses.refuse(contact.email, User.Kind.SUBSCRIBER)

    account = Account(
        number=f"A-{numbers.draw('account', first=FIRST_NUMBER)}",
        language=contact.language,
        site=site,
        organization=organization or (site.organization if site else None),
    )
    fill(account, contact)
    account.save()
    learn_words(account.name)

    audit.record(actor=actor, action="account.opened", subject=account, after={"number": account.number})
    return account


@service
def change(*, actor: Actor, account: Account, contact: ContactDetails) -> Account:
    """Change name, e-mail and phone. The sign-in e-mail of the portal user is the user's own and stays."""
    account = Account.objects.select_for_update().get(pk=account.pk)

    require(actor, "subscribers.change_account", account)

    details = tidied(contact)

    before = {"name": account.name, "email": account.email, "phone": account.phone}
    fill(account, details)
    account.language = details.language
    account.save()
    learn_words(account.name)

    after = {"name": account.name, "email": account.email, "phone": account.phone}
    audit.record(actor=actor, action="account.changed", subject=account, before=before, after=after)
    return account


@service
def add_contact(*, actor: Actor, account: Account, contact: ContactDetails, part: str = "") -> AccountContact:
    """Name another person of the account; ``part`` says what for ("billing")."""
    require(actor, "subscribers.change_account", account)

    details = tidied(contact)

    row = AccountContact(account=account, part=part.strip()[:60])
    fill(row, details)
    row.save()
    learn_words(row.name)

    audit.record(actor=actor, action="account.contact_added", subject=account, after={"name": row.name, "part": part})
    return row


@service
def set_pin(*, actor: Actor, account: Account, pin: str) -> Account:
    """Set the number by which a caller proves to be the account's owner: 4 to 8 digits."""
    account = Account.objects.select_for_update().get(pk=account.pk)

    require(actor, "subscribers.change_account", account)

    if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 8):
        raise InvalidInput(fields={"pin": [_("Enter 4 to 8 digits.")]})

    account.pin_hash = make_password(pin)
    account.save(update_fields=["pin_hash"])

    audit.record(actor=actor, action="account.pin_set", subject=account)
    return account


def pin_is_right(account: Account, pin: str) -> bool:
    """Whether a caller's PIN is the account's. False when none was set."""
    return bool(account.pin_hash) and check_password(pin, account.pin_hash)


@service
def activate(*, actor: Actor, account: Account) -> bool:
    """Make a pending account active. False when it was active already, so an undo knows what it may take back."""
    account = _locked(account)

    require(actor, "subscribers.change_account", account)

    if account.state == AccountState.ACTIVE:
        return False
    if account.state != AccountState.PENDING:
        raise WrongState(state=account.state)

    account.activate()
    account.activated_at = clock.now()
    account.save(update_fields=["state", "activated_at"])

    audit.record(actor=actor, action="account.activated", subject=account, before={"state": AccountState.PENDING})
    events.publish(facts.AccountActivated(account_id=account.pk))
    return True


@service
def return_to_pending(*, actor: Actor, account: Account) -> None:
    """Undo of :func:`activate`. Does nothing when the account is not active (any more)."""
    account = _locked(account)

    require(actor, "subscribers.change_account", account)

    if account.state != AccountState.ACTIVE:
        return

    account.return_to_pending()
    account.activated_at = None
    account.save(update_fields=["state", "activated_at"])

    audit.record(actor=actor, action="account.activation_undone", subject=account, after={"state": account.state})


@service
def close(*, actor: Actor, account: Account) -> Account:
    """End the relationship. Raises :class:`AccountInUse` while a subscription is not ended."""
    account = _locked(account)

    require(actor, "subscribers.close_account", account)

    if account.state == AccountState.CLOSED:
        return account
    if Subscription.objects.filter(account=account).exclude(state=SubscriptionState.TERMINATED).exists():
        raise AccountInUse

    before = account.state
    account.close()
    account.closed_at = clock.now()
    account.save(update_fields=["state", "closed_at"])

    audit.record(actor=actor, action="account.closed", subject=account, before={"state": before})
    return account


def fill(person: Reachable, contact: ContactDetails) -> None:
    """Set what people see and what search compares, together."""
    person.name, person.email, person.phone = contact.full_name, contact.email, contact.phone
    person.name_key, person.name_key_back = name_keys(contact.full_name)
    person.email_key = contact.email.lower()
    person.phone_key = phone_digits(contact.phone)
    person.phone_key_back = person.phone_key[::-1]


def learn_words(*names: str) -> None:
    """Add the names' words to the realm's vocabulary. Sorted, so that two writers never wait in a ring."""
    words = {word for name in names for word in name_words(name)}
    known = set(NameWord.objects.filter(form__in=words, word__in=words).values_list("word", "form"))
    new = sorted(word for word in words if (word, word) not in known)
    rows = [NameWord(form=form, word=word) for word in new for form in sorted(deletions(word))]
    if rows:
        NameWord.objects.bulk_create(rows, ignore_conflicts=True)


def _locked(account: Account) -> Account:
    row: Account = Account.objects.select_for_update().get(pk=account.pk)
    return row
