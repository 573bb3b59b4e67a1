"""The door for the mail server before BOSS: LMTP (RFC 2033). One answer for each recipient, after the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session
from django.db import DatabaseError, close_old_connections

from ticketing.errors import MailboxUnknown
from ticketing.services.mail import intake, mailboxes
from ticketing.services.mail.mailboxes import Place

log = structlog.get_logger(__name__)

LARGEST = 64 * 1024 * 1024
"""Bytes taken at all. What is over the limit of rule E3 and below this becomes a stub."""

_TAKEN = "250 2.0.0 Kept"
_UNKNOWN = "550 5.1.1 No such mailbox"
_LATER = "451 4.3.0 Not now, please try again"


class Handler:
    """Looks the recipient up at RCPT, and stores the mail for each recipient at the end of DATA."""

    def __init__(self) -> None:
        self._places: WeakKeyDictionary[Envelope, dict[str, Place]] = WeakKeyDictionary()

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self, server: LMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        places = self._places.setdefault(envelope, {})
        answer = await _in_thread(_known, address, places)
        if answer == _TAKEN:
            envelope.rcpt_tos.append(address)
            return "250 2.1.5 Ok"
        return answer

    async def handle_DATA(self, server: LMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        places = self._places.get(envelope, {})
        answers = [
            await _in_thread(_taken, content, envelope.mail_from or "", address, places.get(address))
            for address in envelope.rcpt_tos
        ]
        return "\r\n".join(answers)


async def _in_thread(work: Callable[..., str], *arguments: Any) -> str:
    """Database work stands in a thread: it must not hold up the others who are delivering."""
    return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)


def _known(address: str, places: dict[str, Place]) -> str:
    def look_up() -> None:
        places[address] = mailboxes.place_of(address)

    return _told(look_up)


def _taken(content: bytes, envelope_from: str, envelope_to: str, place: Place | None) -> str:
    return _told(lambda: intake.hand_over(content, envelope_from=envelope_from, envelope_to=envelope_to, place=place))


def _told(work: Callable[[], object]) -> str:
    close_old_connections()
    try:
        work()
    except MailboxUnknown:
        return _UNKNOWN
    except DatabaseError as error:
        # The sending server keeps the mail: nothing is lost that was not said to be taken.
        log.warning("mail_put_off", error=str(error))
        return _LATER
    except Exception:
        log.exception("mail_put_off")
        return _LATER
    finally:
        close_old_connections()
    return _TAKEN


class Door(LMTP):
    """Takes lines that are longer than mail may have: a server before it that breaks none would lose the mail."""

    line_length_limit = 1024 * 1024


class LmtpServer(Controller):
    """``start()`` listens in a thread of its own, ``stop()`` ends it."""

    def factory(self) -> Door:
        return Door(self.handler, data_size_limit=LARGEST, enable_SMTPUTF8=True, decode_data=False, hostname="boss")


def server(host: str, port: int) -> LmtpServer:
    """The door on this address, not yet open."""
    return LmtpServer(Handler(), hostname=host, port=port)
