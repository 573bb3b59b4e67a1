"""Saying something to people outside: written in the caller's transaction, delivered after it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from boss.core import audit, clock, crypto, scoping
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.notify import bell, rendering
from boss.notify.models import Delivery, Message, MessageFile
from boss.tenancy.selectors import get_realm

log = structlog.get_logger(__name__)


@service
def send(
    *,
    actor: Actor,
    template: str,
    to: Sequence[tuple[str, str]],
    context: Mapping[str, Any],
    key: str,
    language: str | None = None,
    headers: Mapping[str, str] | None = None,
    envelope_from: str = "",
    files: Sequence[tuple[int, str, str]] = (),
    not_before: dt.datetime | None = None,
    public_id: str = "",
) -> Message:
    """Send the e-mail ``template`` to each (address, name) of ``to``. The same ``key`` gives the first message again.

    ``headers`` stand in place of the house's own (Reply-To, Message-ID and whether a machine wrote it; of From and
    Reply-To the house's hold where they say none), and ``envelope_from`` is where reports of failure go: for rooms that
    read the answers. ``public_id`` is the message's, where those name it. ``files`` go along: the id of
    each stored file, its name and its media type. A delivery waits until they were scanned, where files are scanned.
    ``not_before``: it is delivered then, by the sweep.

    Rendered now, so that it says what was true now; delivered after commit, with retries. Asks no permission: it is
    called by services that have asked theirs. Raises :class:`InvalidInput` with field ``to``.
    """
    known: Message | None = Message.objects.filter(key=key).first()
    if known is not None:
        return known

    recipients = _recipients(to)
    language = language or next(iter(get_realm(actor.realm_id).languages), "en")
    rendered = rendering.render(template, context, realm_id=actor.realm_id, language=language)

    message = Message(
        public_id=public_id or scoping.new_public_id(),
        key=key,
        template=template,
        language=language,
        subject=rendered.subject,
        sealed=template in rendering.BEARERS,
        sent_by=actor.label[:200],
        headers=dict(headers or {}),
        envelope_from=envelope_from,
    )
    message.text = _sealed(message, "text", rendered.text)
    message.html = _sealed(message, "html", rendered.html)
    # Of two that send under one key at the same time, the second waits here for the first and then finds its row.
    Message.objects.bulk_create([message], ignore_conflicts=True)
    written: Message = Message.objects.get(key=key)
    if written.public_id != message.public_id:
        return written
    for file_id, name, media_type in files:
        MessageFile.objects.create(message=written, file_id=file_id, name=name, media_type=media_type)
    later = {"due_at": not_before} if not_before is not None and not_before > clock.now() else {}
    deliveries = Delivery.objects.bulk_create(
        Delivery(message=written, address=address, name=name[:120], **later) for address, name in recipients
    )

    audit.record(actor=actor, action="message.queued", subject=written, after={"template": template, "to": len(to)})
    if not later:
        _ring_after_commit([delivery.pk for delivery in deliveries])
    return written


def bodies_of(message: Message) -> tuple[str, str]:
    """Text and HTML as they are delivered. For delivery only: a sealed message is shown to nobody."""
    if not message.sealed:
        return message.text, message.html
    return (
        crypto.open_sealed(message.text, bound_to=_place(message, "text")),
        crypto.open_sealed(message.html, bound_to=_place(message, "html")),
    )


def _sealed(message: Message, field: str, body: str) -> str:
    return crypto.seal(body, bound_to=_place(message, field)) if message.sealed else body


def place_of(field: str) -> Callable[[Message], str]:
    """What a message's sealed text is bound to, for turning the data key."""
    return lambda message: _place(message, field)


def _place(message: Message, field: str) -> str:
    return f"notify.message:{message.realm_id}:{message.public_id}:{field}"


def _recipients(to: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each address once, by its spelling in lower case."""
    found: dict[str, tuple[str, str]] = {}
    for address, name in to:
        address = address.strip()
        try:
            validate_email(address)
        except ValidationError:
            raise InvalidInput(
                fields={"to": [_("%(address)s is not an e-mail address.") % {"address": address}]}
            ) from None
        found.setdefault(address.lower(), (address, " ".join(name.split())))
    if not found:
        raise InvalidInput(fields={"to": [_("Say who shall get it.")]})
    return list(found.values())


def _ring_after_commit(delivery_ids: list[int]) -> None:
    realm_id = scoping.current_realm_id()

    def ring() -> None:
        try:
            for delivery_id in delivery_ids:
                bell.ring(realm_id, delivery_id)
        except OperationalError as error:  # the broker is only a bell; the sweep delivers
            log.warning("mail_not_rung_for", error=str(error))

    transaction.on_commit(ring, using=scoping.alias())
