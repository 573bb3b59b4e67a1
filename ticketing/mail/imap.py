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
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence

from boss.core import outbound
from boss.core.outbound import Forbidden, NoAnswer, Policy
from ticketing.choices import SourceSecurity
from ticketing.mail import sasl

SECONDS = 20.0
"""Longest wait for one answer of a server."""
LARGEST = 64 * 1024 * 1024
"""Bytes of a mail that are read; a larger one is cut there, and is far over the limit of rule E3 either way."""

_LONGEST_LINE = 1_000_000
_MOST_LINES = 10_000
_SLICE_SECONDS = 2.0
"""How soon somebody who waits for mail notices that he is to stop."""

_EXISTS = re.compile(rb"\* \d+ EXISTS", re.IGNORECASE)
_UID_IN_ANSWER = re.compile(rb"UID (\d+)")


class Refused(Exception):
    """The server cannot be used as it is set up; the text is for people."""


class TokenRefused(Refused):
    """The server does not take the access token."""


class _Client(imaplib.IMAP4):
    """IMAP over a connection that the guard has made. It reads by itself, so that it knows whether something waits."""

    def __init__(self, connection: socket.socket) -> None:
        self._given = connection
        self._held = bytearray()
        self._held_from: socket.socket | None = None
        super().__init__(timeout=SECONDS)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._given

    def readline(self) -> bytes:
        """A line with its end; what there is when the server has hung up."""
        while (end := self._waiting().find(b"\n")) < 0 and len(self._held) <= _LONGEST_LINE:
            if not self._more():
                end = len(self._held) - 1
                break
        if len(self._held) > _LONGEST_LINE and not 0 <= end < _LONGEST_LINE:
            raise self.error(f"got more than {_LONGEST_LINE} bytes in a line")
        return self._taken(end + 1)

    def read(self, size: int) -> bytes:
        while len(self._waiting()) < size and self._more():
            pass
        return self._taken(size)

    def waits(self, seconds: float) -> bool:
        """Whether there is something to read within ``seconds`` (or the server has hung up)."""
        if self._waiting() or (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return True
        asked = select.poll()
        asked.register(self.sock, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(asked.poll(max(0.0, seconds) * 1000))

    def _waiting(self) -> bytearray:
        """What was received and not read. What came before TLS counts no more: anybody may have put it in."""
        if self._held_from is not self.sock:
            self._held, self._held_from = bytearray(), self.sock
        return self._held

    def _more(self) -> bool:
        received = self.sock.recv(65_536)
        self._held += received
        return bool(received)

    def _taken(self, size: int) -> bytes:
        found = bytes(self._held[:size])
        del self._held[:size]
        return found


class Folder:
    """A selected folder. Every method may raise :class:`Refused`."""

    def __init__(self, client: _Client, name: str) -> None:
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
        able = self._able()
        if "MOVE" in able:
            _text(self._client.uid("MOVE", _set(uids), _quoted(to)), f"Mail cannot be moved to {to}")
            return
        _text(self._client.uid("COPY", _set(uids), _quoted(to)), f"Mail cannot be copied to {to}")
        _text(self._client.uid("STORE", _set(uids), "+FLAGS.SILENT", r"(\Deleted)"), "Mail cannot be deleted")
        if "UIDPLUS" in able:  # else it lies there as deleted, until somebody empties the folder
            _text(self._client.uid("EXPUNGE", _set(uids)), "Mail cannot be deleted")

    @property
    def tells(self) -> bool:
        """Whether the server can tell of new mail (IDLE, RFC 2177)."""
        return "IDLE" in self._able()

    def news(self, stop: threading.Event, seconds: float) -> bool:
        """Wait until the server says that mail has come (True), or anything else, ``seconds`` have passed or ``stop``
        is set (False). What comes between two calls is told by the next."""
        tag = self._client._new_tag()  # type: ignore[attr-defined]
        self._client.send(tag + b" IDLE\r\n")
        came = self._said_until(b"+")
        until = time.monotonic() + seconds
        while not came and not stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._client.waits(min(left, _SLICE_SECONDS)):
                break
        self._client.send(b"DONE\r\n")
        return self._said_until(tag) or came

    def _said_until(self, mark: bytes) -> bool:
        """Read up to the line that begins with ``mark``. Whether one of them said that there is mail."""
        came = False
        for _line in range(_MOST_LINES):
            line = self._client.readline()
            came = came or _EXISTS.match(line) is not None
            if line.startswith(mark):
                if mark != b"+" and b" OK" not in line[len(mark) : len(mark) + 4].upper():
                    break
                return came
            if not line.startswith(b"*"):  # it hung up, or refuses
                break
        raise Refused("The server does not tell of new mail any more.")

    def _able(self) -> list[str]:
        # More than before signing in.
        return _text(self._client.capability(), "The server says nothing of itself").upper().split()

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
    folder: str,
    policy: Policy,
    password: str = "",
    token: str = "",
    certificate: str = "",
) -> Iterator[Folder]:
    """Sign in and select the folder. Raises :class:`Refused` with a sentence for whatever goes wrong, also inside.

    ``certificate``: the SHA-256 of the one certificate that is believed, whoever vouches for it and whatever its name;
    without it the public authorities have to, for ``host``. Neither ``password`` nor ``token`` (of OAuth 2, used
    instead if there is one) is sent to a server that fails this.
    """
    client: _Client | None = None
    try:
        trust = _whatever_it_shows() if certificate else outbound.trust("")
        client = _reached(host, port, security, policy, trust)
        if certificate and security != SourceSecurity.NONE and _shown_by(client) != certificate:
            raise Refused(f"{host} shows another certificate than the one you trust: {_shown_by(client)}")
        if token:
            _show(client, host, port, username, token)
        else:
            _log_in(client, username, password)
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


def _log_in(client: imaplib.IMAP4, username: str, password: str) -> None:
    try:
        client.login(username, password)
    except imaplib.IMAP4.error as error:
        raise Refused(f"The server does not let {username} in: {_said(error)}") from None


def _show(client: imaplib.IMAP4, host: str, port: int, username: str, token: str) -> None:
    """Sign in with an access token, by whichever of the two mechanisms the server offers."""
    offered = [each for each in sasl.PREFERRED if f"AUTH={each}" in client.capabilities]
    if not offered:
        raise Refused(f"{host} offers no sign-in by OAuth 2 (neither {' nor '.join(sasl.PREFERRED)}).")
    spoken = sasl.Bearer(offered[0], username=username, host=host, port=port, token=token)
    try:
        client.authenticate(offered[0], spoken)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        why = spoken.refusal or _said(error)
        raise TokenRefused(f"The server does not let {username} in with the access token: {why}") from None


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
