"""A mail server that can be told to refuse, and a message to send."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail.backends.locmem import EmailBackend

from boss.notify.models import Message
from boss.notify.services import messages

WELCOME = {
    "name": "Dana Dean",
    "account_number": "A-10001",
    "order_number": "O-10001",
    "plans": ["Triple 300"],
    "site": "1 Elm St #3, Springfield",
    "link": "https://alpha.localhost/invitation/token-of-dana/",
}
RECEIVED = {
    "name": "Dana",
    "number": "AL-1001",
    "title": "Internet is slow",
    "link": "https://alpha.localhost/my/tickets/0123456789ab/",
}


class MailServer(EmailBackend):
    """Raises what is in ``refusals``, first come first served, then takes mail."""

    refusals: list[Exception] = []

    def send_messages(self, messages: Any) -> int:
        if self.refusals:
            raise self.refusals.pop(0)
        return super().send_messages(messages)


@pytest.fixture
def mail_server(settings) -> type[MailServer]:
    settings.EMAIL_BACKEND = f"{__name__}.MailServer"
    MailServer.refusals = []
    return MailServer


@pytest.fixture
def say(system) -> Callable[..., Message]:
    """``say("key")`` sends the receipt of a ticket to Dana."""

    def send(key: str = "k1", **changes: Any) -> Message:
        given = {"template": "ticket_received", "to": [("dana@home.example", "Dana Dean")], "context": RECEIVED}
        return messages.send(actor=system, key=key, **{**given, **changes})

    return send


@pytest.fixture
def png() -> bytes:
    """The smallest picture."""
    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
