"""Mail of existing mailboxes, fetched by IMAP (rule E1): kept first and committed, then marked or moved at the server.

1. What a look before this one has kept and not marked is marked: a worker may have died in between.
2. Each new mail is stored in one transaction with its UID; the UID alone says what is new, never a mark of the server.
3. Then it is marked or moved. A failure here costs nothing: the next look does it.

A folder that is numbered anew (another UIDVALIDITY) is looked through from the day before we first saw it; what is here
already, byte for byte, is passed over.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from email.utils import parseaddr

import structlog
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerAway

from boss.core import scoping
from ticketing.choices import SourceAfter
from ticketing.mail import imap
from ticketing.mail.oauth import NoToken
from ticketing.models import InboundMail, MailSource, RawMail
from ticketing.services.mail import bell, intake
from ticketing.services.mail.entering import Entrance, entered, entrance_of
from ticketing.services.mail.mailboxes import Place

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(minutes=10)
AT_ONCE = 100
"""Mails taken in one look; more are taken in the next, which then is due at once."""
MOST_MARKED = 100_000
LONGEST_PAUSE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a look needs to know, read in one transaction."""

    source: MailSource
    entrance: Entrance
    address: str


def due_everywhere(limit: int = 200) -> list[tuple[int, int]]:
    """(realm, source) of what is due."""
    with scoping.dispatch_transaction("mail sources"):
        rows = MailSource.objects.filter(is_active=True, due_at__lte=Now()).order_by("due_at")
        return list(rows.values_list("realm_id", "pk")[:limit])


def fetch(realm_id: int, source_id: int) -> int:
    """Look at one mailbox if it is due. How many mails were kept; what goes wrong stands at the source."""
    look = _begin(realm_id, source_id)
    if look is None:
        return 0
    source = look.source
    kept = 0
    try:
        with entered(look.entrance) as folder:
            source = _numbered(look, folder)
            _mark_left(realm_id, source, folder)
            uids = folder.uids_after(source.last_uid, since=source.reads_since, most=AT_ONCE)
            for uid in uids:
                kept += _keep(look, folder, uid)
            _mark_left(realm_id, source, folder)
    except (imap.Refused, NoToken) as refusal:
        log.warning("mail_not_fetched", source=source_id, error=str(refusal))
        _end(realm_id, source_id, error=str(refusal))
        return kept
    _end(realm_id, source_id, more=len(uids) == AT_ONCE)
    return kept


def _begin(realm_id: int, source_id: int) -> _Look | None:
    with scoping.realm_transaction(realm_id, "mail"):
        due = MailSource.objects.filter(pk=source_id, is_active=True, mailbox__is_active=True, due_at__lte=Now())
        source: MailSource | None = (
            due.select_related("mailbox").select_for_update(of=("self",), skip_locked=True).first()
        )
        if source is None:
            return None
        MailSource.objects.filter(pk=source_id).update(due_at=Now() + LEASE)
        return _Look(source, entrance_of(source), source.mailbox.address)


def _numbered(look: _Look, folder: imap.Folder) -> MailSource:
    """The source with the folder's present numbering: where to go on, or to begin."""
    with scoping.realm_transaction(look.source.realm_id, "mail"):
        source: MailSource = MailSource.objects.select_for_update().get(pk=look.source.pk)
        if source.uid_validity == folder.uid_validity:
            return source
        if source.uid_validity is None:
            start = 0 if source.takes_old else folder.next_uid - 1
        else:
            start = 0
            source.reads_since = None if source.takes_old else source.created_at.date() - dt.timedelta(days=1)
            log.warning("mail_folder_numbered_anew", source=source.pk)
        source.uid_validity, source.last_uid, source.marked_uid = folder.uid_validity, start, start
        source.save(update_fields=["uid_validity", "last_uid", "marked_uid", "reads_since"])
        return source


def _keep(look: _Look, folder: imap.Folder, uid: int) -> int:
    """Store one mail with its UID. 1 if it is new here."""
    raw = folder.raw_of(uid)
    realm_id = look.source.realm_id
    stored: InboundMail | None = None
    with scoping.realm_transaction(realm_id, "mail"):
        source: MailSource = MailSource.objects.select_for_update().get(pk=look.source.pk)
        if source.uid_validity != folder.uid_validity or uid <= source.last_uid:
            return 0  # somebody else was here meanwhile
        if raw is not None and not (source.reads_since and _is_here(source, raw)):
            head = BytesHeaderParser().parsebytes(raw[:262_144])
            stored = intake.store(
                raw,
                place=Place(realm_id, source.mailbox_id),
                # A server that notes no return path says nothing of a machine having written it.
                envelope_from=str(head.get("Return-Path", parseaddr(str(head.get("From", "")))[1])),
                envelope_to=_delivered_to(look.address, [str(head.get(name, "")) for name in _DELIVERED]),
                origin=f"imap.{source.pk}.{source.uid_validity}.{uid}",
            )
        source.last_uid = uid
        source.save(update_fields=["last_uid"])
    if stored is None:
        return 0
    try:
        bell.ring(realm_id, stored.pk)
    except BrokerAway as error:  # the broker is only a bell; the sweep processes
        log.warning("mail_not_rung_for", error=str(error))
    return 1


_DELIVERED = ("Delivered-To", "X-Original-To", "Envelope-To")
"""What mail servers write on top when they put a mail into a mailbox: the only trace of the envelope there is."""


def _delivered_to(address: str, said: list[str]) -> str:
    """The plus address it came by, if the server wrote one of this mailbox; else the mailbox's own. What a sender may
    have written there himself gains him nothing: the address is signed."""
    local, _at, domain = address.partition("@")
    for each in said:
        each = each.strip("<> ").lower()
        if each.startswith(f"{local}+") and each.endswith(f"@{domain}"):
            return each
    return address


def _is_here(source: MailSource, raw: bytes) -> bool:
    """Whether this very mail was fetched from this source before, under another number."""
    before = InboundMail.objects.filter(
        mailbox=source.mailbox_id, size=len(raw), origin__startswith=f"imap.{source.pk}."
    )
    return any(bytes(row.content) == raw for row in RawMail.objects.filter(mail__in=before))


def _mark_left(realm_id: int, source: MailSource, folder: imap.Folder) -> None:
    """Mark or move at the server what is kept here and was not marked yet."""
    with scoping.realm_transaction(realm_id, "mail"):
        source = MailSource.objects.get(pk=source.pk)
    if source.uid_validity != folder.uid_validity or source.marked_uid >= source.last_uid:
        return
    # What was passed over as known lies there, too, and is marked alike.
    above = folder.uids_after(source.marked_uid, since=source.reads_since, most=MOST_MARKED)
    uids = [uid for uid in above if uid <= source.last_uid]
    for start in range(0, len(uids), AT_ONCE):
        some = uids[start : start + AT_ONCE]
        if source.after == SourceAfter.MOVE:
            folder.move(some, source.move_to)
        else:
            folder.mark_seen(some)
    with scoping.realm_transaction(realm_id, "mail"):
        MailSource.objects.filter(
            pk=source.pk, uid_validity=source.uid_validity, marked_uid__lt=source.last_uid
        ).update(marked_uid=source.last_uid)


def _end(realm_id: int, source_id: int, *, error: str = "", more: bool = False) -> None:
    """Write how it went, and when it is looked at next: after a failure with a growing pause."""
    with scoping.realm_transaction(realm_id, "mail"):
        source: MailSource | None = MailSource.objects.select_for_update().filter(pk=source_id).first()
        if source is None:
            return
        source.error = error[:500]
        source.failures = min(source.failures + 1, 1000) if error else 0
        pause = dt.timedelta(seconds=0 if more else source.every_seconds)
        if error:
            pause = min(LONGEST_PAUSE, pause * 2 ** min(source.failures - 1, 10))
        else:
            source.looked_at = Now()
        source.due_at = Now() + pause
        source.save(update_fields=["error", "failures", "due_at", "looked_at"])
