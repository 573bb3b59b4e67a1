"""Mail servers on the bench of the conformance kit: tried with the standard library's clients."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import smtplib
import time
from typing import TypeVar

from ipservices.conformance.bench import Usage
from ipservices.conformance.real import ServerBench
from ipservices.contracts import Desired
from ipservices.labs import HOST
from ipservices.mailing.lab.servers import MailLab

L = TypeVar("L", bound=MailLab)

BODY = "Nothing to read here.\r\n" * 40
_PATIENCE_SECONDS = 8.0


class MailBench(ServerBench[L]):
    """A subscriber with a mail program, who knows his own password and nothing of BOSS."""

    dead_plane = {"imap_port": 9}
    kill_after = 0.3
    can_tell = frozenset({"messages_in", "messages_out", "storage_octets"})

    def works(self, desired: Desired, switch: str = "") -> bool:
        user, password = desired.name, desired.secrets["password"]
        try:
            if switch in ("", "imap"):
                self._imap(user, password).logout()
            elif switch == "pop":
                reader = poplib.POP3(HOST, self.lab.ports["pop"], timeout=5)
                reader.user(user)
                reader.pass_(password)
                reader.quit()
            elif switch == "submit":
                self._submit(user, password, user)
            else:
                self._deliver(user)
        except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException):
            return False
        return True

    def connect(self, desired: Desired) -> bool:
        try:
            client = self._imap(desired.name, desired.secrets["password"])
        except imaplib.IMAP4.error:
            return False
        client.select()
        self._sessions.append(client)
        return True

    def sessions(self, desired: Desired) -> int:
        alive = 0
        for client in self._sessions:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                alive += client.noop()[0] == "OK"
        return alive

    def reset(self) -> None:
        for client in self._sessions:
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                client.logout()
        self._sessions.clear()
        super().reset()

    @property
    def _sessions(self) -> list[imaplib.IMAP4]:
        return self.__dict__.setdefault("_open_sessions", [])  # type: ignore[no-any-return]

    def use(self, desired: Desired) -> Usage:
        """Two messages come in, one of them sent by the subscriber himself; both stay."""
        before = self._count(desired)
        self._deliver(desired.name)
        self._submit(desired.name, desired.secrets["password"], desired.name)
        ends = time.monotonic() + _PATIENCE_SECONDS
        while self._count(desired) < before + 2 and time.monotonic() < ends:
            time.sleep(0.05)
        amounts = {"messages_in": 2, "messages_out": 1, "storage_octets": 2 * len(BODY)}
        return Usage({metric: amount for metric, amount in amounts.items() if metric in self.can_tell})

    def _count(self, desired: Desired) -> int:
        client = self._imap(desired.name, desired.secrets["password"])
        try:
            return int(client.select()[1][0] or 0)
        finally:
            client.logout()

    def _imap(self, user: str, password: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4(HOST, self.lab.ports["imap"], timeout=5)
        client.login(user, password)
        return client

    def _submit(self, user: str, password: str, to: str) -> None:
        with smtplib.SMTP(HOST, self.lab.ports["submission"], timeout=5) as client:
            client.login(user, password)
            client.sendmail(user, [to], f"From: <{user}>\r\nTo: <{to}>\r\nSubject: Sent\r\n\r\n{BODY}")

    def _deliver(self, to: str) -> None:
        with smtplib.SMTP(HOST, self.lab.ports["smtp"], timeout=5) as client:
            client.sendmail("friend@elsewhere.example", [to], f"To: <{to}>\r\nSubject: Hello\r\n\r\n{BODY}")
