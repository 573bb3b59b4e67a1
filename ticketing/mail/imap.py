"""One folder of a mailbox at a mail server, read by IMAP (RFC 9051) with the standard library's client.

Mails are named by their UID, which holds while the folder's UIDVALIDITY does. They are read with ``BODY.PEEK[]``, which
changes nothing at the server; marking and moving are calls of their own and may be repeated.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence

from boss.core import outbound
from boss.core.outbound import Forbidden, NoAnswer, Policy
from ticketing.choices import SourceSecurity

SECONDS = 20.0
"""Longest wait for one answer of a server."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a mail that are read; a larger one is cut there, and is far over the limit of rule E3 either way."""

_UID_IN_ANSWER = re.compile(rb"UID (\d+)")


class Refused(Exception):
    """The server cannot be used as it is set up; the text is for people."""


class _Client(imaplib.IMAP4):
    """IMAP over a connection that the guard has made."""

    def __init__(self, connection: socket.socket) -> None:
        self._given = connection
        super().__init__(timeout=SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._given


class Folder:
    """A selected folder. Every method may raise :class:`Refused`."""

    def __init__(self, client: imaplib.IMAP4, name: str) -> None:
        self._client = client
        _text(client.select(_quoted(name)), f"The folder {name} cannot be opened")
        self.uid_validity = self._number("UIDVALIDITY")
        self.next_uid = self._number("UIDNEXT")

    def uids_after(self, last: int, *, since: dt.date | None = None, most: int) -> list[int]:
        """The UIDs above ``last``, ascending, of mail that arrived on ``since`` or later."""
        wanted = f"UID {last + 1}:*" + (f" SINCE {since:%d-}{_MONTHS[since.month - 1]}{since:-%Y}" if since else "")
        answer = _text(self._client.uid("SEARCH", wanted), "The folder cannot be searched")
        # "n:*" always names the last mail, also when its UID is lower.
        return sorted(uid for uid in map(int, answer.split()) if uid > last)[:most]

    def raw_of(self, uid: int) -> bytes | None:
        """The mail as it lies there; None when it is gone."""
        kind, parts = self._client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{LARGEST}>)")
        if kind != "OK":
            raise Refused("A mail cannot be read.")
        for part in parts:
            if isinstance(part, tuple):
                found = _UID_IN_ANSWER.search(part[0])
                if found is None or int(found[1]) == uid:
                    return bytes(part[1])
        return None

    def mark_seen(self, uids: Sequence[int]) -> None:
        _text(self._client.uid("STORE", _set(uids), "+FLAGS.SILENT", r"(\Seen)"), "Mail cannot be marked as read")

    def move(self, uids: Sequence[int], to: str) -> None:
        """Into another folder of the same mailbox, which is made if it is missing. What is gone is passed over."""
        self._client.create(_quoted(to))  # NO when it is there
        able = _text(
            self._client.capability(), "The server says nothing of itself"
        ).split()  # more than before signing in
        if "MOVE" in able:
            _text(self._client.uid("MOVE", _set(uids), _quoted(to)), f"Mail cannot be moved to {to}")
            return
        _text(self._client.uid("COPY", _set(uids), _quoted(to)), f"Mail cannot be copied to {to}")
        _text(self._client.uid("STORE", _set(uids), "+FLAGS.SILENT", r"(\Deleted)"), "Mail cannot be deleted")
        if "UIDPLUS" in able:  # else it lies there as deleted, until somebody empties the folder
            _text(self._client.uid("EXPUNGE", _set(uids)), "Mail cannot be deleted")

    def _number(self, name: str) -> int:
        values = self._client.response(name)[1]
        if not values or values[0] is None:
            raise Refused(f"The server does not say {name}, so its mails cannot be told apart.")
        return int(values[0])


@contextlib.contextmanager
def opened(
    *,
    host: str,
    port: int,
    security: str,
    username: str,
    password: str,
    folder: str,
    policy: Policy,
    certificate: str = "",
) -> Iterator[Folder]:
    """Sign in and select the folder. Raises :class:`Refused` with a sentence for whatever goes wrong, also inside.

    ``certificate``: the SHA-256 of the one certificate that is believed, whoever vouches for it and whatever its name;
    without it the public authorities have to, for ``host``. The password is sent to no server that fails this.
    """
    client: imaplib.IMAP4 | None = None
    try:
        trust = _whatever_it_shows() if certificate else outbound.trust("")
        client = _reached(host, port, security, policy, trust)
        if certificate and security != SourceSecurity.NONE and _shown_by(client) != certificate:
            raise Refused(f"{host} shows another certificate than the one you trust: {_shown_by(client)}")
        try:
            client.login(username, password)
        except imaplib.IMAP4.error as error:
            raise Refused(f"The server does not let {username} in: {_said(error)}") from None
        yield Folder(client, folder)
    except ssl.SSLCertVerificationError as error:
        shown = _ask_certificate(host, port, security, policy)
        raise Refused(
            f"The certificate of {host} is not trusted: {error.verify_message}. Its SHA-256 is {shown or 'unknown'}"
        ) from error
    except (NoAnswer, Forbidden, imaplib.IMAP4.error, OSError, ValueError) as error:
        raise Refused(f"{host}: {_said(error)}") from error
    finally:
        if client is not None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                client.logout()


def _reached(host: str, port: int, security: str, policy: Policy, trust: ssl.SSLContext) -> _Client:
    """Connected and encrypted as it should be, and not signed in."""
    connection = outbound.connect(host, port, policy, seconds=SECONDS, plain=security == SourceSecurity.NONE)
    try:
        connection.settimeout(SECONDS)
        if security == SourceSecurity.TLS:
            connection = trust.wrap_socket(connection, server_hostname=host)
        client = _Client(connection)
        if security == SourceSecurity.STARTTLS:
            client.host = host  # what the certificate is checked against
            client.starttls(trust)
    except BaseException:
        connection.close()
        raise
    return client


def _whatever_it_shows() -> ssl.SSLContext:
    """For looking at a certificate, which is then compared with the one that is trusted."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    return trust


def _shown_by(client: imaplib.IMAP4) -> str:
    shown = client.sock.getpeercert(binary_form=True) if isinstance(client.sock, ssl.SSLSocket) else None
    return hashlib.sha256(shown).hexdigest() if shown else ""


def _ask_certificate(host: str, port: int, security: str, policy: Policy) -> str:
    """What somebody has to compare before he trusts it; "" when it cannot be had. No password is sent."""
    try:
        client = _reached(host, port, security, policy, _whatever_it_shows())
    except (NoAnswer, Forbidden, imaplib.IMAP4.error, OSError, ValueError):
        return ""
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        shown = _shown_by(client)
        client.logout()
        return shown
    return ""


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _text(answer: tuple[str, Sequence[object]], what: str) -> str:
    kind, parts = answer
    said = b" ".join(each for each in parts if isinstance(each, bytes)).decode("utf-8", "replace")
    if kind != "OK":
        raise Refused(f"{what}: {said}")
    return said


def _said(error: Exception) -> str:
    words = error.args[0] if error.args else ""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(error)
    return text or type(error).__name__


def _set(uids: Sequence[int]) -> str:
    return ",".join(str(uid) for uid in uids)


def _quoted(name: str) -> str:
    """A folder's name as IMAP writes it. Not everybody's letters: what is not ASCII has to be given in their code."""
    if not name.isascii() or any(ord(letter) < 32 for letter in name):
        raise Refused("The name of a folder holds letters that cannot be sent.")
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
