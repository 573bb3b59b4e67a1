"""As much of a telephone as the driver needs: is the server there, does it take a log-in, may a line call out.

SIP over UDP (RFC 3261) with digest log-in (RFC 2617, MD5, as the server asks for it). Nothing here ever rings.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
import time
from dataclasses import dataclass, field

_PAUSES = (0.5, 1.0, 2.0, 4.0)
_FIELD = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


class NoReply(Exception):
    """Nothing answered, or nothing that is SIP."""


def ha1(user: str, domain: str, password: str) -> str:
    """What the server keeps instead of the password."""
    return _md5(f"{user}:{domain}:{password}")


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    reason: str
    to: str = ""
    challenge: dict[str, str] = field(default_factory=dict)


class Phone:
    """A telephone at one server, with ``seconds`` of patience for each request."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self._server = (host, port)
        self._seconds = seconds
        self._call_id = f"boss-{secrets.token_hex(12)}"
        self._tag = secrets.token_hex(6)
        self._number = 0

    def options(self) -> int:
        """The status of the answer to an OPTIONS for the server itself."""
        host, port = self._server
        with self._socket() as plug:
            me = f"<sip:boss@{_here(plug)}>"
            return self._exchange(plug, "OPTIONS", f"sip:{_literal(host)}:{port}", me, me).status

    def register(self, user: str, domain: str, password: str) -> int:
        """The status of a log-in; one that was let in is logged out again, and only itself."""
        with self._socket() as plug:
            own = f"<sip:{user}@{_here(plug)}>;expires="
            me = f"<sip:{user}@{domain}>"
            reply = self._logged_in(plug, "REGISTER", f"sip:{domain}", me, me, user, password, f"{own}60")
            if reply.status == 200:
                self._logged_in(plug, "REGISTER", f"sip:{domain}", me, me, user, password, f"{own}0")
            return reply.status

    def may_call(self, user: str, domain: str, password: str) -> int:
        """The status of a call to a name that no line has: 404 from a server that would have let it through."""
        with self._socket() as plug:
            uri = f"sip:boss-nobody-{secrets.token_hex(4)}@{domain}"
            own = f"<sip:{user}@{_here(plug)}>"
            return self._logged_in(
                plug, "INVITE", uri, f"<sip:{user}@{domain}>", f"<{uri}>", user, password, own
            ).status

    def _socket(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET
        plug = socket.socket(family, socket.SOCK_DGRAM)
        try:
            plug.connect(self._server)
        except OSError as error:
            plug.close()
            raise NoReply(str(error)) from error
        return plug

    def _logged_in(
        self, plug: socket.socket, method: str, uri: str, me: str, to: str, user: str, password: str, contact: str
    ) -> Reply:
        reply = self._exchange(plug, method, uri, me, to, contact)
        if reply.status not in (401, 407) or not reply.challenge:
            return reply
        name = "Authorization" if reply.status == 401 else "Proxy-Authorization"
        proof = _proof(reply.challenge, method, uri, user, password)
        return self._exchange(plug, method, uri, me, to, contact, f"{name}: {proof}")

    def _exchange(
        self, plug: socket.socket, method: str, uri: str, me: str, to: str, contact: str = "", proof: str = ""
    ) -> Reply:
        self._number += 1
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        head = [
            f"Via: SIP/2.0/UDP {_here(plug)};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {me};tag={self._tag}",
            f"Call-ID: {self._call_id}",
        ]
        more = [f"Contact: {contact}"] if contact else []
        more += [proof] if proof else []
        lines = [f"{method} {uri} SIP/2.0", *head, f"To: {to}", f"CSeq: {self._number} {method}", *more]
        packet = _packet(lines)
        ends = time.monotonic() + self._seconds
        for pause in (*_PAUSES, self._seconds):
            try:
                plug.send(packet)
                reply = self._final(plug, branch, min(ends, time.monotonic() + pause))
            except OSError as error:
                raise NoReply(str(error) or type(error).__name__) from error
            if reply is not None:
                if method == "INVITE":
                    acknowledged = [f"ACK {uri} SIP/2.0", *head, f"To: {reply.to}", f"CSeq: {self._number} ACK"]
                    plug.send(_packet(acknowledged))
                return reply
            if time.monotonic() >= ends:
                break
        raise NoReply("no answer")

    def _final(self, plug: socket.socket, branch: str, ends: float) -> Reply | None:
        while (left := ends - time.monotonic()) > 0:
            plug.settimeout(left)
            try:
                data = plug.recv(65535)
            except TimeoutError:
                return None
            reply = _read(data, branch)
            if reply is not None and reply.status >= 200:
                return reply
        return None


def _read(data: bytes, branch: str) -> Reply | None:
    """A reply to our request; None for whatever else comes."""
    lines = data.decode(errors="replace").split("\r\n")
    first = re.fullmatch(r"SIP/2\.0 (\d{3}) (.*)", lines[0])
    if first is None or not any(branch in line for line in lines if line.lower().startswith("via:")):
        return None
    head = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
    challenge = head.get("www-authenticate") or head.get("proxy-authenticate") or ""
    fields = {key.lower(): quoted or plain for key, quoted, plain in _FIELD.findall(challenge)}
    return Reply(int(first[1]), first[2], head.get("to", ""), fields)


def _proof(challenge: dict[str, str], method: str, uri: str, user: str, password: str) -> str:
    realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
    first, second = ha1(user, realm, password), _md5(f"{method}:{uri}")
    shown = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "auth" in challenge.get("qop", "").split(","):
        once = secrets.token_hex(8)
        answer = _md5(f"{first}:{nonce}:00000001:{once}:auth:{second}")
        return f'{shown}, response="{answer}", qop=auth, nc=00000001, cnonce="{once}"'
    return f'{shown}, response="{_md5(f"{first}:{nonce}:{second}")}"'


def _packet(lines: list[str]) -> bytes:
    return "\r\n".join([*lines, "Content-Length: 0", "", ""]).encode()


def _here(plug: socket.socket) -> str:
    host, port = plug.getsockname()[:2]
    return f"{_literal(host)}:{port}"


def _literal(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
