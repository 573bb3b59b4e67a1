"""The way in. The raw mail is written first, in a transaction of its own; what is made of it comes after (rule E1).

1. :func:`store` writes the mail and its bytes. Whoever brought it is told "taken" after that commit, and not before.
2. :func:`process` understands it, outside any transaction as names may be looked up, and then settles it in one.
3. A worker that dies in between, or a database that goes away, leaves a row that is ``received`` and due: the sweep
   finds it. After some attempts it goes to quarantine as it is; nothing is ever dropped.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerAway

from boss.core import scoping
from ticketing import mail_limits
from ticketing.choices import InboundState
from ticketing.mail import authentication, automatic, parsing
from ticketing.mail.neutral import Unparseable
from ticketing.models import InboundMail, Mailbox, RawMail
from ticketing.services.mail import applying, bell, deciding, keys, mailboxes, resolving
from ticketing.services.mail.mailboxes import Place

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=120)
PATIENCE = dt.timedelta(seconds=20)
"""How long looking up the names of one mail may take."""
MOST_ATTEMPTS = 5
MATES = 9
NEAR = 200
"""Mates are looked for among this many rows after a mail: never along the whole of a backlog."""
SMALL = 256 * 1024
"""Bytes of a mail that is taken together with others."""


def receive(raw: bytes, *, envelope_from: str, envelope_to: str) -> InboundMail:
    """Take a mail and make of it what it is. Raises :class:`MailboxUnknown`, and what the database raises before the
    mail is stored; whatever goes wrong after that is tried again by the sweep."""
    place = mailboxes.place_of(envelope_to)
    stored = store(raw, place=place, envelope_from=envelope_from, envelope_to=envelope_to)
    try:
        process(place.realm_id, stored.pk)
    except DatabaseError as error:
        log.warning("mail_left_for_the_sweep", mail=stored.pk, error=str(error))
        return stored
    with scoping.realm_transaction(place.realm_id, "mail"):
        settled: InboundMail = InboundMail.objects.select_related("ticket", "message").get(pk=stored.pk)
    return settled


def store(raw: bytes, *, place: Place, envelope_from: str, envelope_to: str, origin: str = "") -> InboundMail:
    """Write the mail down, before anything is made of it. ``origin`` names where a fetched one lay."""
    with scoping.realm_transaction(place.realm_id, "mail"):
        mail: InboundMail = InboundMail.objects.create(
            mailbox_id=place.mailbox_id,
            envelope_from=_address(envelope_from),
            envelope_to=_address(envelope_to),
            size=len(raw),
            origin=origin,
        )
        RawMail.objects.create(mail=mail, content=raw)
    return mail


def hand_over(raw: bytes, *, envelope_from: str, envelope_to: str, place: Place | None = None) -> InboundMail:
    """Store, and wake a worker for the rest: for doors that answer fast. Raises as :func:`receive` does.

    ``place``: what the door has looked up before, when it was told the recipient.
    """
    place = place or mailboxes.place_of(envelope_to)
    stored = store(raw, place=place, envelope_from=envelope_from, envelope_to=envelope_to)
    try:
        bell.ring(place.realm_id, stored.pk)
    except BrokerAway as error:  # the broker is only a bell; the sweep processes
        log.warning("mail_not_rung_for", error=str(error))
    return stored


def process(realm_id: int, mail_id: int) -> bool:
    """Settle one stored mail. False when it is settled already or another worker has it."""
    return _work_off(realm_id, mail_id, mates=0) > 0


def process_some(realm_id: int, mail_id: int) -> int:
    """Settle one stored mail and those that came right after it: what they have in common is read once, and their
    own rings find them done. Gives how many."""
    return _work_off(realm_id, mail_id, mates=MATES)


def _work_off(realm_id: int, mail_id: int, *, mates: int) -> int:
    with scoping.realm_transaction(realm_id, "mail"):
        mails = _claimed(mail_id, mates)
        if not mails:
            return 0
        raws = dict(RawMail.objects.filter(mail__in=mails).values_list("mail_id", "content"))
        ring, own, taken = keys.keyring(), _own_addresses(), mail_limits.for_reading(realm_id)
    done = 0
    for mail in mails:
        read = deciding.Read(raw=bytes(raws.pop(mail.pk)), keys=ring, own=own, limits=taken)
        try:
            _understand(mail, read)
            done += _settle(realm_id, mail.pk, read)
        except DatabaseError:
            raise  # it is the database that is away, not the mail that is wrong
        except Exception:
            # Whatever a hostile mail breaks, it is still there, and becomes people's work after some attempts.
            log.exception("mail_not_processed", mail=mail.pk)
            with scoping.realm_transaction(realm_id, "mail"):
                InboundMail.objects.filter(pk=mail.pk).update(due_at=Now() + LEASE / 4)
    return done


def _settle(realm_id: int, mail_id: int, read: deciding.Read) -> bool:
    """One transaction for each mail: a ticket's lock and the row numbers are drawn from are held for one mail only."""
    with scoping.realm_transaction(realm_id, "mail"):
        waiting = InboundMail.objects.select_related("mailbox__category").select_for_update(of=("self",))
        locked = waiting.filter(pk=mail_id, state=InboundState.RECEIVED).first()
        if locked is None:
            return False
        deciding.settle(locked, read)
    return True


def due_everywhere(limit: int = 500) -> list[tuple[int, int]]:
    """(realm, mail) of what is stored and not settled, for the sweep."""
    with scoping.dispatch_transaction("mail sweep"):
        rows = InboundMail.objects.filter(state=InboundState.RECEIVED, due_at__lte=Now()).order_by("due_at")
        return list(rows.values_list("realm_id", "pk")[:limit])


def _claimed(mail_id: int, mates: int) -> list[InboundMail]:
    """The mail and some small ones that came after it, leased. One that was begun too often goes to quarantine as it
    is; one that was begun before is taken alone, so that what kills a worker takes no others along."""
    due = InboundMail.objects.filter(state=InboundState.RECEIVED, due_at__lte=Now()).select_for_update(skip_locked=True)
    mail: InboundMail | None = due.filter(pk=mail_id).first()
    if mail is None:
        return []
    if mail.attempts >= MOST_ATTEMPTS:
        deciding.give_up(mail)
        return []
    mails = [mail]
    if mates and mail.attempts == 0 and mail.size <= SMALL:
        near = due.filter(pk__gt=mail_id, pk__lte=mail_id + NEAR, attempts=0, size__lte=SMALL)
        mails += near.order_by("pk")[:mates]
    # Each gets the time that those before it may take.
    InboundMail.objects.filter(pk__in=[each.pk for each in mails]).update(
        attempts=F("attempts") + 1, due_at=Now() + LEASE + len(mails) * PATIENCE
    )
    return mails


def _understand(mail: InboundMail, read: deciding.Read) -> None:
    """What can be known of the mail without the database."""
    try:
        if len(read.raw) > read.limits.raw:
            read.mail = applying.too_large(parsing.peek(read.raw, read.limits))
        else:
            read.mail = parsing.parse(read.raw, read.limits)
    except Unparseable as trouble:
        read.trouble = str(trouble)
        return
    read.classified = automatic.classify(read.mail, envelope_from=mail.envelope_from, own_addresses=read.own)
    if not deciding.is_own(read.mail, read.keys):
        read.verified = authentication.authenticate(
            read.mail, read.raw, authserv_id=settings.BOSS_MAIL_AUTHSERV_ID, resolver=resolving.resolver()
        )


def _own_addresses() -> frozenset[str]:
    return frozenset(Mailbox.objects.values_list("address", flat=True))


def _address(envelope: str) -> str:
    return envelope.strip("<> \t\r\n").replace("\x00", "")[:320]
