"""Live sessions: found in the accounting table, ended or told of a new speed by RFC 5176 at their access device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ipservices.contracts import AuthFailed, Connection, Deadline, Transient
from ipservices.drivers.access_freeradius import radius
from ipservices.drivers.access_freeradius.accounts import CLASS, Row
from ipservices.drivers.access_freeradius.radius import Attribute, Code
from ipservices.sql import SqlTransport
from ipservices.transport import reachable_address

_OPEN = """
    SELECT radacctid, acctsessionid, host(nasipaddress) AS nas, host(framedipaddress) AS framed,
           (SELECT nas.secret FROM nas WHERE nas.nasname = host(nasipaddress) LIMIT 1) AS secret
      FROM radacct
     WHERE username = %(user)s AND acctstoptime IS NULL
       AND (coalesce(class, '') = '' OR class IN (%(class_text)s, %(class_hex)s))
     ORDER BY radacctid
"""
_CLOSE = """
    UPDATE radacct SET acctstoptime = now(), acctterminatecause = 'Lost-Service'
     WHERE radacctid = %(session)s AND acctstoptime IS NULL
"""
_SENT = frozenset(("Mikrotik-Rate-Limit", "WISPr-Bandwidth-Max-Down", "WISPr-Bandwidth-Max-Up"))


@dataclass(frozen=True, slots=True)
class Session:
    """One session that accounting takes for alive."""

    row: int
    user: str
    session_id: str
    nas: str
    framed: str
    secret: str

    def identity(self) -> list[Attribute]:
        """By what the access device knows it."""
        found: list[Attribute] = [
            ("User-Name", self.user),
            ("NAS-IPv6-Address" if ":" in self.nas else "NAS-IP-Address", self.nas),
            ("Acct-Session-Id", self.session_id),
        ]
        if self.framed:
            found.append(("Framed-IP-Address", self.framed))
        return found


class Sessions:
    """The sessions of one server's access devices."""

    def __init__(
        self,
        connection: Connection,
        sql: SqlTransport,
        *,
        deadline: Deadline,
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
    ) -> None:
        self._connection = connection
        self._sql = sql
        self._deadline = deadline
        self._note = note

    def cut(self, user: str, service_ref: str) -> int:
        """End every live session; how many access devices ended one. Raises Transient when one does not answer."""
        return sum(self._end(session) for session in self._open(user, service_ref))

    def tell(self, user: str, service_ref: str, plan: Iterable[Row]) -> None:
        """Give every live session the speed in ``plan``. One that will not have it is ended: it comes back with it."""
        rates: list[Attribute] = [(attribute, value) for attribute, _op, value in sorted(plan) if attribute in _SENT]
        for session in self._open(user, service_ref):
            answer = self._ask(session, Code.COA_REQUEST, [*session.identity(), *rates])
            if answer.code == Code.COA_ACK:
                continue
            if answer.get("Error-Cause") == radius.SESSION_CONTEXT_NOT_FOUND:
                self._close(session)
            else:
                self._end(session)

    def _end(self, session: Session) -> int:
        answer = self._ask(session, Code.DISCONNECT_REQUEST, session.identity())
        if answer.code == Code.DISCONNECT_ACK:
            return 1
        cause = answer.get("Error-Cause")
        if cause != radius.SESSION_CONTEXT_NOT_FOUND:
            raise Transient(f"the access device {session.nas} does not end the session (Error-Cause {cause})")
        self._close(session)
        return 0

    def _close(self, session: Session) -> None:
        """Its device knows it no more, so no Stop will come: it would count as live, and bar its owner, for ever."""
        with self._sql.transaction() as cursor:
            self._sql.run(cursor, _CLOSE, {"session": session.row})

    def _open(self, user: str, service_ref: str) -> list[Session]:
        text = f"{CLASS}{service_ref}"
        values = {"user": user, "class_text": text, "class_hex": f"0x{text.encode().hex()}"}
        with self._sql.transaction() as cursor:
            rows = self._sql.run(cursor, _OPEN, values, hide=("secret",))
        return [
            Session(
                int(row["radacctid"]), user, str(row["acctsessionid"]), str(row["nas"]),
                str(row["framed"] or ""), str(row["secret"] or ""),
            )
            for row in rows
        ]  # fmt: skip

    def _ask(self, session: Session, code: Code, attributes: list[Attribute]) -> radius.Packet:
        settings = self._connection.settings
        secret = session.secret or self._connection.secrets.get("coa_secret", "")
        if not secret:
            raise AuthFailed(f"there is no shared secret for changes at the access device {session.nas}")
        host = str(settings.get("coa_host") or session.nas)
        address = reachable_address(host, self._connection.networks, seconds=self._deadline.left)
        port = int(settings.get("coa_port") or 3799)
        started = time.monotonic()
        asked = {"radius": code.title, "to": f"{host}:{port}", "attributes": dict(attributes)}
        stamped = [*attributes, ("Event-Timestamp", int(time.time()))]
        try:
            answer = radius.exchange(address, port, secret.encode(), code, stamped, seconds=self._deadline.left)
        except (radius.NoReply, radius.BadPacket) as error:
            self._note(asked, {"error": str(error)}, started)
            words = f"the access device {session.nas} does not answer a {code.title}: {error}"
            raise Transient(words, outcome_unknown=True) from error
        told = Code(answer.code).title if answer.code in list(Code) else str(answer.code)
        cause = {"error_cause": answer.get("Error-Cause")} if answer.get("Error-Cause") else {}
        self._note(asked, {"radius": told, **cause}, started)
        return answer
