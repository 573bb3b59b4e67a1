"""Reads of the outbox, for staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from boss.core.actors import Actor
from boss.core.scoping import ScopedQuerySet
from boss.notify.errors import MessageNotFound
from boss.notify.models import Delivery, Message

VIEW = "notify.view_message"


def list_messages(actor: Actor) -> ScopedQuerySet:
    """Everything sent in the realm, newest first, with its deliveries."""
    messages: ScopedQuerySet = Message.objects.visible_to(actor).prefetch_related("deliveries").order_by("-id")
    return messages


def get_message(actor: Actor, public_id: str) -> Message:
    """Raises :class:`MessageNotFound`."""
    message: Message | None = list_messages(actor).filter(public_id=public_id).first()
    if message is None:
        raise MessageNotFound
    return message


def was_sent_since(keys: Sequence[str], since: dt.datetime) -> bool:
    """Whether a message with one of these keys was written after ``since``: for senders that must not repeat soon."""
    return bool(Message.objects.filter(key__in=keys, created_at__gt=since).exists())


def list_deliveries_to(actor: Actor, address: str) -> ScopedQuerySet:
    """What went to one address, newest first: for a customer's page."""
    deliveries: ScopedQuerySet = (
        Delivery.objects.visible_to(actor, VIEW).filter(address=address).select_related("message").order_by("-id")
    )
    return deliveries


def shown_text(message: Message) -> str:
    """The text as staff may read it: "" for a sealed message."""
    return "" if message.sealed else message.text
