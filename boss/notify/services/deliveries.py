"""Delivering: claim in one transaction, talk to the mail server outside any, record in another.

1. ``begin`` takes the row (skipping locked ones) and gives it a lease, counted as an attempt.
2. The mail leaves. Its Message-ID is the same in every attempt, so a mail sent twice is one mail to the reader.
3. The result is written only if nobody has begun a later attempt meanwhile.

A worker that dies in between leaves a row whose lease runs out; the sweep finds it.
"""

from __future__ import annotations

import datetime as dt
import random
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass
from email.mime.image import MIMEImage
from email.utils import formataddr

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.html import format_html
from django.utils.translation import gettext as _

from boss.core import audit, scoping
from boss.core import files as files_kept
from boss.core.actors import Actor
from boss.core.models import FileScan
from boss.core.services import service
from boss.notify.models import Delivery, DeliveryState, MessageFile
from boss.notify.rendering import LOGO_CID
from boss.notify.services.messages import bodies_of
from boss.tenancy.selectors import get_brand, get_realm

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=120)
LONGEST_PAUSE_SECONDS = 3600
MOST_ATTEMPTS = 12  # with the pauses: about six hours

_DUE = Q(state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], due_at__lte=Now())


@dataclass(frozen=True, slots=True)
class Claimed:
    """What is needed to send, read inside the transaction. ``attempt`` fences the result."""

    delivery_id: int
    attempt: int
    mail: EmailMultiAlternatives


def deliver(realm_id: int, delivery_id: int) -> bool:
    """Attempt one delivery if it is due. False when it is not, or another worker has it."""
    with scoping.realm_transaction(realm_id, "notify"):
        claimed = _begin(realm_id, delivery_id)
    if claimed is None:
        return False
    error: Exception | None = None
    try:
        claimed.mail.send()
    except (smtplib.SMTPException, OSError, ValueError) as raised:  # ValueError: an address no header can hold
        error = raised
    with scoping.realm_transaction(realm_id, "notify"):
        record(actor=Actor.system(realm_id), delivery_id=delivery_id, attempt=claimed.attempt, error=error)
    return True


def due_everywhere(limit: int = 500) -> list[tuple[int, int]]:
    """(realm, delivery) of what is due, for the sweep."""
    with scoping.dispatch_transaction("notify sweep"):
        return list(Delivery.objects.filter(_DUE).order_by("due_at").values_list("realm_id", "pk")[:limit])


@service
def record(*, actor: Actor, delivery_id: int, attempt: int, error: Exception | None) -> Delivery:
    """Write how an attempt ended: sent, again after a pause, or given up. A late result changes nothing."""
    delivery: Delivery = Delivery.objects.select_for_update().get(pk=delivery_id)

    if delivery.attempts != attempt or delivery.state != DeliveryState.SENDING:
        return delivery

    if error is None:
        delivery.arrive()
        delivery.sent_at, delivery.error = Now(), ""
    elif is_permanent(error) or delivery.attempts >= MOST_ATTEMPTS:
        delivery.give_up()
        delivery.error = sentence(error)
    else:
        delivery.put_back()
        delivery.error, delivery.due_at = sentence(error), Now() + pause_after(delivery.attempts)
    delivery.save()

    if delivery.state != DeliveryState.QUEUED:  # an attempt that will be repeated is told by the row itself
        audit.record(
            actor=actor,
            action=f"delivery.{delivery.state}",
            subject=delivery,
            after={"attempts": delivery.attempts, "error": delivery.error},
        )
    return delivery


@service
def mark_bounced(*, actor: Actor, delivery: Delivery, error: str) -> Delivery:
    """A mail server further on sent it back: told by the room that reads such reports. Twice changes nothing."""
    delivery = Delivery.objects.select_for_update().get(pk=delivery.pk)

    if delivery.state not in (DeliveryState.SENT, DeliveryState.SENDING):
        return delivery

    delivery.bounce()
    delivery.error = error[:1000]
    delivery.save()

    audit.record(actor=actor, action="delivery.bounced", subject=delivery, after={"error": delivery.error})
    return delivery


def is_permanent(error: Exception) -> bool:
    """Whether trying again cannot help: the server said 5xx, or the address cannot be written at all."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _answer in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return False  # our own configuration is wrong: the mail waits for its repair
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= 500
    return isinstance(error, ValueError)


def pause_after(attempts: int) -> dt.timedelta:
    """Half a minute, doubled each time up to an hour, spread so that a dead server is not met by a herd."""
    longest = min(LONGEST_PAUSE_SECONDS, 30 * 2 ** min(attempts - 1, 10))
    return dt.timedelta(seconds=longest * (0.75 + random.random() / 2))  # noqa: S311 - spread, not secrecy


def sentence(error: Exception) -> str:
    """What the mail server said, for people."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = error.recipients.values()
        return "; ".join(f"{code} {_text(answer)}" for code, answer in answers)[:1000]
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"[:1000]
    return f"{type(error).__name__}: {error}"[:1000]


def _text(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer


def _begin(realm_id: int, delivery_id: int) -> Claimed | None:
    delivery: Delivery | None = (
        Delivery.objects.select_for_update(skip_locked=True).filter(_DUE, pk=delivery_id).first()
    )
    if delivery is None:
        return None
    if delivery.state == DeliveryState.SENDING and delivery.attempts >= MOST_ATTEMPTS:
        # Its last worker died too; whether that mail left is unknown, so nothing more is sent.
        delivery.give_up()
        delivery.error = "The last attempt was interrupted."
        delivery.save()
        audit.record(actor=Actor.system(realm_id), action="delivery.failed", subject=delivery)
        return None
    held = MessageFile.objects.filter(message=delivery.message_id).select_related("file").defer("file__content")
    files = list(held.order_by("id"))
    if any(each.file.scan == FileScan.PENDING for each in files):  # nobody is sent what was not looked through
        delivery.due_at, delivery.error = Now() + files_kept.AGAIN, "Its files are still being checked."
        delivery.save()
        return None
    delivery.begin()
    delivery.attempts += 1
    delivery.due_at = Now() + LEASE
    delivery.save()
    return Claimed(delivery.pk, delivery.attempts, _mail(delivery, files))


def _mail(delivery: Delivery, files: Sequence[MessageFile] = ()) -> EmailMultiAlternatives:
    realm, brand = get_realm(delivery.realm_id), get_brand(delivery.realm_id)
    host = realm.canonical_host.partition(":")[0]
    sender = str(realm.settings.get("mail_from", "")) or f"no-reply@{host}"
    text, html = bodies_of(delivery.message)
    if blocked := ", ".join(each.name for each in files if each.file.scan == FileScan.BLOCKED):
        told = _("Not sent along, because the virus scanner refuses it: %(names)s") % {"names": blocked}
        text, html = f"{text}\n\n{told}\n", html.replace("</body>", format_html("<p>{}</p></body>", told))
    house, returns_to = formataddr((" ".join(brand.name.split()), sender)), delivery.message.envelope_from
    headers: dict[str, str] = delivery.message.headers or {
        "Message-ID": f"<boss.notify.{delivery.public_id}@{host}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    mail = EmailMultiAlternatives(
        subject=delivery.message.subject,
        body=text,
        # Where the envelope says where a mail comes back to, its From stands in the header.
        from_email=returns_to or house,
        to=[formataddr((delivery.name, delivery.address))],
        reply_to=[brand.email] if brand.email and "Reply-To" not in headers else None,
        headers={"From": house, **headers} if returns_to else headers,
    )
    mail.attach_alternative(html, "text/html")
    if brand.logo and f"cid:{LOGO_CID}" in html:
        if not files:  # the picture belongs to the HTML; other files do not
            mail.mixed_subtype = "related"  # type: ignore[attr-defined]
        picture = MIMEImage(bytes(brand.logo), "png")
        picture.add_header("Content-ID", f"<{LOGO_CID}>")
        picture.add_header("Content-Disposition", "inline", filename="logo.png")
        mail.attach(picture)
    for each in files:
        if each.file.scan != FileScan.BLOCKED:
            mail.attach(each.name, files_kept.content_of(each.file_id), each.media_type)
    return mail
