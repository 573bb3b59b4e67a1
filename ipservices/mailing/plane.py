"""The subscriber's side of a mail server: logging in, sending and receiving as any mail program does."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import smtplib
import socket
import time
from collections.abc import Iterator
from typing import Any

from boss.core import outbound
from boss.core.outbound import Policy
from ipservices.contracts import Deadline, Invalid, Unreachable

FAULTS = (OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error, poplib.error_proto)
_POLL_SECONDS = 0.05


class Plane:
    """Where subscribers are served. With ``tls`` everything but the door for incoming mail is TLS from the start."""

    def __init__(
        self, host: str, ports: dict[str, int], *, tls: bool, deadline: Deadline, networks: tuple[str, ...]
    ) -> None:
        self._host = host
        self._ports = ports
        self._tls = tls
        self._deadline = deadline
        self._policy = Policy(networks)

    def has(self, door: str) -> bool:
        return bool(self._ports.get(door))

    def reads_by_imap(self, user: str, password: str) -> bool:
        """Whether the user is let in by IMAP. Raises :class:`Unreachable` when nobody answers."""
        with _answered("IMAP"), self.imap() as client:
            try:
                client.login(user, password)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error:
                return False
            return True

    def reads_by_pop(self, user: str, password: str) -> bool:
        """The same by POP3."""
        with _answered("POP"), contextlib.closing(_Pop(self._socket("pop"), self._deadline.left)) as client:
            try:
                client.user(user)
                client.pass_(password)
                client.quit()
            except poplib.error_proto:
                return False
            return True

    def may_submit(self, user: str, password: str) -> bool:
        """Whether the user may log in for sending, and is not stopped at the first recipient."""
        with _answered("submission"), self._smtp("submission") as client:
            try:
                client.login(user, password)
            except smtplib.SMTPAuthenticationError:
                return False
            client.mail(user)
            return client.rcpt(user)[0] < 500

    def takes_mail_for(self, user: str) -> bool:
        """Whether the server would take mail for the user now. Nothing is sent."""
        with _answered("SMTP"), self._smtp("smtp") as client:
            client.mail("")
            return client.rcpt(user)[0] == 250

    def round_trip(self, user: str, password: str, token: str) -> str:
        """Send the user a mail, find it by IMAP, delete it; what went wrong, or nothing."""
        try:
            with self._smtp("smtp") as sender:
                words = f"From: <{user}>\r\nTo: <{user}>\r\nSubject: {token}\r\nAuto-Submitted: auto-generated\r\n"
                sender.sendmail("", [user], f"{words}\r\nMay be deleted.\r\n")
            with self.imap() as client:
                client.login(user, password)
                while not self._deadline.passed:
                    client.select()
                    found = client.uid("SEARCH", "SUBJECT", token)[1][0]
                    if found:
                        client.uid("STORE", found.replace(b" ", b",").decode(), "+FLAGS", r"(\Deleted)")
                        client.expunge()
                        return ""
                    time.sleep(_POLL_SECONDS)
        except outbound.Forbidden as error:
            return str(error)
        except (*FAULTS, outbound.NoAnswer) as error:
            return str(error) or type(error).__name__
        return "the probe mail did not arrive in time"

    @contextlib.contextmanager
    def imap(self) -> Iterator[imaplib.IMAP4]:
        """An IMAP conversation, not logged in yet."""
        client = _Imap(self._socket("imap"), self._deadline.left)
        try:
            yield client
        finally:
            with contextlib.suppress(*FAULTS):
                client.logout()

    @contextlib.contextmanager
    def _smtp(self, door: str) -> Iterator[smtplib.SMTP]:
        client = _Smtp(self._socket(door), self._deadline.left)
        try:
            client.ehlo()
            yield client
        finally:
            client.close()

    def _socket(self, door: str) -> socket.socket:
        seconds = max(0.1, self._deadline.left)
        # Other servers' mail comes in clear, and nothing secret is said at that door; all else needs TLS, or a
        # network that the operator of the installation listed.
        plain = not self._tls and door != "smtp"
        found = outbound.connect(self._host, self._ports[door], self._policy, seconds=seconds, plain=plain)
        found.settimeout(max(0.1, self._deadline.left))
        if self._tls and door != "smtp":
            return outbound.trust("").wrap_socket(found, server_hostname=self._host)
        return found


class _Imap(imaplib.IMAP4):
    """IMAP over a connection that the guard has made."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._given = connection
        super().__init__(timeout=max(0.1, seconds))

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._given


class _Pop(poplib.POP3):
    """POP3 the same way."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._given = connection
        super().__init__("", timeout=max(0.1, seconds))

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._given


class _Smtp(smtplib.SMTP):
    """SMTP the same way."""

    def __init__(self, connection: socket.socket, seconds: float) -> None:
        self._given = connection
        super().__init__(timeout=max(0.1, seconds), local_hostname="boss.invalid")
        self.connect("mail")

    def _get_socket(self, host: Any, port: Any, timeout: Any) -> socket.socket:
        return self._given


@contextlib.contextmanager
def _answered(door: str) -> Iterator[None]:
    try:
        yield
    except outbound.Forbidden as error:
        raise Invalid(f"{error}; the platform operator can allow it") from error
    except (*FAULTS, outbound.NoAnswer) as error:
        raise Unreachable(f"{door}: {error or type(error).__name__}") from error
