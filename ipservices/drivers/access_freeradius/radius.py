"""RADIUS packets (RFC 2865, 2866, 5176, 5997) and one exchange over UDP, as far as a driver needs them.

Every request carries a Message-Authenticator, CoA and Disconnect too: a server that closed BlastRADIUS
(CVE-2024-3596) drops what has none without a word. The library at hand (pyrad) wants sockets and dictionary files of
its own; what is needed here is this page.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

Attribute = tuple[str, Any]


class Code(IntEnum):
    """The first byte of a packet: what it asks or answers."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    STATUS_SERVER = 12
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45

    @property
    def title(self) -> str:
        """The name in the RFC: ``Access-Request``."""
        words = self.name.title().replace("_", "-")
        return words.replace("-Ack", "-ACK").replace("-Nak", "-NAK").replace("Coa-", "CoA-")


SESSION_CONTEXT_NOT_FOUND = 503
"""Error-Cause of a NAK: the access device knows no such session (any more)."""

_KINDS: Mapping[str, tuple[tuple[int, ...], str]] = {
    "User-Name": ((1,), "text"),
    "User-Password": ((2,), "octets"),
    "NAS-IP-Address": ((4,), "address"),
    "NAS-Port": ((5,), "number"),
    "Framed-IP-Address": ((8,), "address"),
    "Reply-Message": ((18,), "text"),
    "Class": ((25,), "octets"),
    "Session-Timeout": ((27,), "number"),
    "Calling-Station-Id": ((31,), "text"),
    "NAS-Identifier": ((32,), "text"),
    "Acct-Status-Type": ((40,), "number"),
    "Acct-Input-Octets": ((42,), "number"),
    "Acct-Output-Octets": ((43,), "number"),
    "Acct-Session-Id": ((44,), "text"),
    "Acct-Session-Time": ((46,), "number"),
    "Acct-Terminate-Cause": ((49,), "number"),
    "Acct-Input-Gigawords": ((52,), "number"),
    "Acct-Output-Gigawords": ((53,), "number"),
    "Event-Timestamp": ((55,), "number"),
    "Message-Authenticator": ((80,), "octets"),
    "Acct-Interim-Interval": ((85,), "number"),
    "NAS-IPv6-Address": ((95,), "address"),
    "Error-Cause": ((101,), "number"),
    "Mikrotik-Rate-Limit": ((26, 14988, 8), "text"),
    "WISPr-Bandwidth-Max-Up": ((26, 14122, 7), "number"),
    "WISPr-Bandwidth-Max-Down": ((26, 14122, 8), "number"),
}
_NAMES = {number: name for name, (number, _kind) in _KINDS.items()}
_AUTHENTICATOR = slice(4, 20)
_SIGNED_BY_SECRET = (Code.ACCOUNTING_REQUEST, Code.COA_REQUEST, Code.DISCONNECT_REQUEST)


class BadPacket(ValueError):
    """The packet is cut off, or its sender does not know the shared secret."""


class NoReply(Exception):
    """Nobody answered in time, or nobody listens there."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet taken apart. Attributes BOSS has no name for are left out."""

    code: int
    identifier: int
    authenticator: bytes
    attributes: tuple[Attribute, ...]

    def get(self, name: str) -> Any:
        """The first attribute of that name, None without one."""
        return next((value for key, value in self.attributes if key == name), None)


def request(code: Code, attributes: Iterable[Attribute], secret: bytes, *, identifier: int | None = None) -> bytes:
    """A request ready to be sent. ``User-Password`` is given in clear and hidden here, as RFC 2865 (5.2) says."""
    number = secrets.randbelow(256) if identifier is None else identifier
    random = secrets.token_bytes(16)
    signed = code in _SIGNED_BY_SECRET
    parts = [("Message-Authenticator", bytes(16))]
    parts += [
        (name, _hidden(value, secret, random) if name == "User-Password" else value)
        for name, value in attributes
        if name != "Message-Authenticator"
    ]
    packet = _assembled(code, number, bytes(16) if signed else random, parts)
    _sign(packet, secret)
    if signed:
        packet[_AUTHENTICATOR] = _md5(bytes(packet) + secret)
    return bytes(packet)


def response(code: Code, asked: bytes, attributes: Iterable[Attribute], secret: bytes) -> bytes:
    """The answer to the request ``asked``."""
    parts = [("Message-Authenticator", bytes(16)), *attributes]
    packet = _assembled(code, asked[1], asked[_AUTHENTICATOR], parts)
    _sign(packet, secret)
    packet[_AUTHENTICATOR] = _md5(bytes(packet) + secret)
    return bytes(packet)


def read_request(packet: bytes, secret: bytes) -> Packet:
    """A CoA, Disconnect or accounting request whose sender knows ``secret`` and has signed. Raises BadPacket."""
    found = _taken_apart(packet)
    bare = bytearray(packet)
    bare[_AUTHENTICATOR] = bytes(16)
    if not hmac.compare_digest(_md5(bytes(bare) + secret), found.authenticator):
        raise BadPacket("the request's authenticator is wrong")
    _check_signature(bare, secret, needed=True)
    return found


def read_response(packet: bytes, asked: bytes, secret: bytes) -> Packet:
    """The answer to ``asked``, from one who knows ``secret``. Raises BadPacket.

    FreeRADIUS 3.2.1 does not sign its answers, so a Message-Authenticator is checked where there is one.
    """
    found = _taken_apart(packet)
    bare = bytearray(packet)
    bare[_AUTHENTICATOR] = asked[_AUTHENTICATOR]
    if found.identifier != asked[1] or not hmac.compare_digest(_md5(bytes(bare) + secret), found.authenticator):
        raise BadPacket("this is no answer to the request, or the shared secret is wrong")
    _check_signature(bare, secret, needed=False)
    return found


def exchange(
    address: str,
    port: int,
    secret: bytes,
    code: Code,
    attributes: Iterable[Attribute],
    *,
    seconds: float,
    pauses: tuple[float, ...] = (0.5, 1.0, 2.0),
) -> Packet:
    """Ask and wait for the answer; the very same packet is sent again after each pause. Raises NoReply, BadPacket.

    A packet that is no answer is passed over: anybody can send one. When it was all that came, BadPacket says so.
    """
    packet = request(code, attributes, secret)
    ends = time.monotonic() + seconds
    fault: BadPacket | None = None
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as plug:
        try:
            plug.connect((address, port))
            for pause in pauses:
                plug.send(packet)
                until = min(ends, time.monotonic() + pause)
                while (left := until - time.monotonic()) > 0:
                    plug.settimeout(left)
                    try:
                        return read_response(plug.recv(4096), packet, secret)
                    except BadPacket as error:
                        fault = error
                    except TimeoutError:
                        break
        except OSError as error:
            raise NoReply(f"nobody listens at port {port}: {error.strerror or error}") from error
    if fault is not None:
        raise fault
    raise NoReply(f"no answer from port {port}")


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _hidden(password: str, secret: bytes, authenticator: bytes) -> bytes:
    clear = password.encode()
    clear += bytes(-len(clear) % 16 or (16 if not clear else 0))
    hidden, before = b"", authenticator
    for start in range(0, len(clear), 16):
        mask = _md5(secret + before)
        before = bytes(one ^ other for one, other in zip(clear[start : start + 16], mask, strict=True))
        hidden += before
    return hidden


def _assembled(code: int, identifier: int, authenticator: bytes, parts: Iterable[Attribute]) -> bytearray:
    body = b"".join(_encoded(name, value) for name, value in parts)
    return bytearray(struct.pack("!BBH", code, identifier, 20 + len(body)) + authenticator + body)


def _encoded(name: str, value: Any) -> bytes:
    number, kind = _KINDS[name]
    if kind == "number":
        content = struct.pack("!I", int(value))
    elif kind == "address":
        content = ipaddress.ip_address(str(value)).packed
    else:
        content = value if isinstance(value, bytes) else str(value).encode()
    if len(number) == 3:
        content = struct.pack("!IBB", number[1], number[2], 2 + len(content)) + content
    return struct.pack("!BB", number[0], 2 + len(content)) + content


def _sign(packet: bytearray, secret: bytes) -> None:
    """Fill in the Message-Authenticator, which :func:`request` and :func:`response` put first."""
    packet[22:38] = hmac.digest(secret, bytes(packet), "md5")


def _check_signature(packet: bytearray, secret: bytes, *, needed: bool) -> None:
    place = next((start for start, number in _places(packet) if number == 80), None)
    if place is None:
        if needed:
            raise BadPacket("the packet has no Message-Authenticator")
        return
    value = slice(place + 2, place + 18)
    told, packet[value] = bytes(packet[value]), bytes(16)
    if not hmac.compare_digest(hmac.digest(secret, bytes(packet), "md5"), told):
        raise BadPacket("the Message-Authenticator is wrong")


def _places(packet: bytes | bytearray) -> Iterable[tuple[int, int]]:
    """Where each attribute begins, and its number. Raises BadPacket."""
    start = 20
    while start < len(packet):
        length = packet[start + 1] if start + 1 < len(packet) else 0
        if length < 2 or start + length > len(packet):
            raise BadPacket("an attribute is cut off")
        yield start, packet[start]
        start += length


def _taken_apart(packet: bytes) -> Packet:
    if len(packet) < 20 or struct.unpack("!H", packet[2:4])[0] != len(packet):
        raise BadPacket("the packet is cut off")
    found: list[Attribute] = []
    for start, number in _places(packet):
        content = packet[start + 2 : start + packet[start + 1]]
        key: tuple[int, ...] = (number,)
        if number == 26 and len(content) >= 6:
            vendor, own, length = struct.unpack("!IBB", content[:6])
            key, content = (26, vendor, own), content[6 : 4 + length]
        name = _NAMES.get(key)
        if name is not None:
            found.append((name, _decoded(_KINDS[name][1], content)))
    return Packet(packet[0], packet[1], packet[_AUTHENTICATOR], tuple(found))


def _decoded(kind: str, content: bytes) -> Any:
    if kind == "number" and len(content) == 4:
        return struct.unpack("!I", content)[0]
    if kind == "address" and len(content) in (4, 16):
        return str(ipaddress.ip_address(content))
    return content.decode(errors="replace") if kind == "text" else content
