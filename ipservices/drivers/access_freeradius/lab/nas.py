"""An access device for tests: it logs subscribers in, counts what they use, and obeys CoA and Disconnect (or not)."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ipservices.drivers.access_freeradius import radius
from ipservices.drivers.access_freeradius.radius import Attribute, BadPacket, Code, Packet
from ipservices.labs import HOST

_GIGAWORD = 2**32
START, STOP, INTERIM, ON = 1, 2, 3, 7


@dataclass
class Session:
    """One subscriber who is in. ``granted`` is what the server answered, changed by CoA since."""

    id: str
    user: str
    port: int
    granted: dict[str, Any]
    classes: tuple[bytes, ...]
    octets_in: int = 0
    octets_out: int = 0
    seconds: int = 0
    ended: bool = False


@dataclass
class AccessDevice:
    """One device with its own port for changes. ``deaf``: it hears them and says nothing. ``refuses``: an Error-Cause
    with which it refuses every CoA."""

    secret: bytes
    auth_port: int
    acct_port: int
    deaf: bool = False
    refuses: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    heard: list[Packet] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._plug = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._plug.bind((HOST, 0))
        self._plug.settimeout(0.2)
        self.coa_port = int(self._plug.getsockname()[1])
        self._ids = itertools.count(1)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="access-device", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._thread.join()
        self._plug.close()

    def living(self, user: str) -> list[Session]:
        return [session for session in self.sessions.values() if session.user == user and not session.ended]

    def log_in(self, user: str, password: str, *, session_id: str = "") -> Session | None:
        """Let a subscriber in if the server says so, and tell accounting."""
        asked: list[Attribute] = [
            ("User-Name", user), ("User-Password", password), ("NAS-IP-Address", HOST), ("NAS-Port", 7),
        ]  # fmt: skip
        answer = radius.exchange(HOST, self.auth_port, self.secret, Code.ACCESS_REQUEST, asked, seconds=5)
        if answer.code != Code.ACCESS_ACCEPT:
            return None
        # What the server said first counts, as for most devices; every Class goes back to accounting.
        granted = dict(reversed(answer.attributes))
        classes = tuple(value for name, value in answer.attributes if name == "Class")
        session = Session(session_id or f"s{self.coa_port}-{next(self._ids)}", user, 7, granted, classes)
        self.sessions[session.id] = session
        self.report(session, START)
        return session

    def use(self, session: Session, octets_in: int, octets_out: int, seconds: int) -> None:
        """Traffic, and the interim update that tells of it."""
        session.octets_in += octets_in
        session.octets_out += octets_out
        session.seconds += seconds
        self.report(session, INTERIM)

    def log_out(self, session: Session) -> None:
        session.ended = True
        self.report(session, STOP)

    def reboot(self) -> None:
        """Every session is gone without a Stop; the device says that it is on, and counts its sessions from one."""
        for session in self.sessions.values():
            session.ended = True
        self.account([("Acct-Status-Type", ON), ("Acct-Session-Id", "0")])

    def report(self, session: Session, status: int) -> Packet:
        """Tell accounting of one session as it is now."""
        return self.account(self.told(session, status))

    def told(self, session: Session, status: int) -> list[Attribute]:
        found: list[Attribute] = [
            ("Acct-Status-Type", status),
            ("Acct-Session-Id", session.id),
            ("User-Name", session.user),
            ("NAS-Port", session.port),
            ("Acct-Session-Time", session.seconds),
            ("Acct-Input-Octets", session.octets_in % _GIGAWORD),
            ("Acct-Output-Octets", session.octets_out % _GIGAWORD),
            ("Acct-Input-Gigawords", session.octets_in // _GIGAWORD),
            ("Acct-Output-Gigawords", session.octets_out // _GIGAWORD),
        ]
        return found + [("Class", one) for one in session.classes]

    def account(self, told: Sequence[Attribute]) -> Packet:
        """One accounting request, repeated until it is answered. Raises NoReply."""
        asked = [*told, ("NAS-IP-Address", HOST), ("Event-Timestamp", _now())]
        return radius.exchange(HOST, self.acct_port, self.secret, Code.ACCOUNTING_REQUEST, asked, seconds=5)

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                data, sender = self._plug.recvfrom(4096)
                packet = radius.read_request(data, self.secret)
            except (TimeoutError, BadPacket):
                continue  # without a word, as real ones do
            self.heard.append(packet)
            if not self.deaf:
                self._plug.sendto(self._obey(packet, data), sender)

    def _obey(self, packet: Packet, data: bytes) -> bytes:
        changes = packet.code == Code.COA_REQUEST
        session = self.sessions.get(str(packet.get("Acct-Session-Id")))
        if session is None or session.ended or session.user != packet.get("User-Name"):
            cause = radius.SESSION_CONTEXT_NOT_FOUND
        else:
            cause = self.refuses if changes else 0
        if cause:
            code = Code.COA_NAK if changes else Code.DISCONNECT_NAK
            return radius.response(code, data, [("Error-Cause", cause)], self.secret)
        assert session is not None
        if changes:
            session.granted |= dict(packet.attributes)
            return radius.response(Code.COA_ACK, data, [], self.secret)
        session.ended = True
        threading.Thread(target=self._stopped, args=(session,), daemon=True).start()
        return radius.response(Code.DISCONNECT_ACK, data, [], self.secret)

    def _stopped(self, session: Session) -> None:
        with contextlib.suppress(radius.NoReply, radius.BadPacket):
            self.report(session, STOP)


def _now() -> int:
    return int(time.time())
