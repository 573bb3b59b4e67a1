"""A DHCP relay agent that asks one question: does the server offer this client something, and what?

It speaks as the relay of an access network does (RFC 2131, RFC 8415), from any free port: the relay-port option (RFC
8357) makes the server answer to the port it was asked from, and link selection (RFC 3527, the link address of DHCPv6)
says which subnet the client is in. A DISCOVER or SOLICIT only asks; the server keeps no lease for it.
"""

from __future__ import annotations

import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

_COOKIE = b"\x63\x82\x53\x63"
_OFFER = 2
_V6_SOLICIT, _V6_ADVERTISE, _V6_RELAY_FORWARD, _V6_RELAY_REPLY = 1, 2, 12, 13
_V6_CLIENT_ID, _V6_SERVER_ID, _V6_IA_NA, _V6_IA_ADDRESS, _V6_RELAY_MESSAGE = 1, 2, 3, 5, 9
_V6_IA_PD, _V6_IA_PREFIX, _V6_RELAY_PORT = 25, 26, 135
_RESEND_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: a hardware address, and what else the server may know it by."""

    hardware: bytes
    client_id: bytes = b""
    circuit_id: bytes = b""
    duid: bytes = b""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server would give: an address or prefix with its length, and DHCP options by their code (v4 only)."""

    address: str
    length: int
    options: dict[int, bytes]


def discover(server: tuple[str, int], client: Client, link: str, seconds: float) -> Offer | None:
    """Ask a DHCPv4 server as a relay on ``link``; None when nothing came within ``seconds``. Raises OSError."""
    transaction = secrets.token_bytes(4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.connect(server)
        ours = socket.inet_aton(wire.getsockname()[0])
        for answer in _answers(wire, _discover(transaction, client, link, ours), seconds):
            offer = _offer(answer, transaction)
            if offer is not None:
                return offer
    return None


def solicit(server: tuple[str, int], client: Client, link: str, seconds: float, *, prefix: bool) -> Offer | None:
    """Ask a DHCPv6 server for a prefix (or an address) as a relay on ``link``; None when it offers none."""
    transaction = secrets.token_bytes(3)
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
        wire.connect(server)
        for answer in _answers(wire, _solicit(transaction, client, link, prefix), seconds):
            advertised = _relayed(answer)
            if advertised[:4] == bytes([_V6_ADVERTISE]) + transaction:
                return _advertised(advertised[4:])
    return None


def _answers(wire: socket.socket, question: bytes, seconds: float) -> Iterator[bytes]:
    """Every datagram that comes back in time; the question is sent again as a client does, for UDP loses some."""
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        wire.send(question)
        resend = time.monotonic() + min(_RESEND_SECONDS, left)
        while (wait := resend - time.monotonic()) > 0:
            wire.settimeout(wait)
            try:
                yield wire.recv(4096)
            except TimeoutError:
                break


# --- DHCPv4


def _discover(transaction: bytes, client: Client, link: str, ours: bytes) -> bytes:
    agent = _option(5, socket.inet_aton(link)) + _option(19, b"")
    if client.circuit_id:
        agent = _option(1, client.circuit_id) + agent
    options = _option(53, b"\x01") + _option(55, bytes([1, 3, 6, 51]))
    if client.client_id:
        options += _option(61, client.client_id)
    head = struct.pack("!BBBB4sHH", 1, 1, 6, 1, transaction, 0, 0)
    hardware = client.hardware.ljust(16, b"\x00")
    return head + bytes(12) + ours + hardware + bytes(192) + _COOKIE + options + _option(82, agent) + b"\xff"


def _option(code: int, value: bytes) -> bytes:
    return bytes([code, len(value)]) + value


def _offer(answer: bytes, transaction: bytes) -> Offer | None:
    if len(answer) < 240 or answer[0] != 2 or answer[4:8] != transaction or answer[236:240] != _COOKIE:
        return None
    options: dict[int, bytes] = {}
    at = 240
    while at + 1 < len(answer) and answer[at] != 255:
        if answer[at] == 0:
            at += 1
            continue
        options[answer[at]] = answer[at + 2 : at + 2 + answer[at + 1]]
        at += 2 + answer[at + 1]
    if options.get(53) != bytes([_OFFER]):
        return None
    return Offer(socket.inet_ntoa(answer[16:20]), 32, options)


# --- DHCPv6


def _solicit(transaction: bytes, client: Client, link: str, prefix: bool) -> bytes:
    association = struct.pack("!III", 1, 0, 0)
    body = bytes([_V6_SOLICIT]) + transaction
    body += _option6(_V6_CLIENT_ID, client.duid or b"\x00\x03\x00\x01" + client.hardware)
    body += _option6(_V6_IA_PD if prefix else _V6_IA_NA, association) + _option6(8, b"\x00\x00")
    peer = ipaddress.IPv6Address("fe80::2").packed
    head = bytes([_V6_RELAY_FORWARD, 0]) + ipaddress.IPv6Address(link).packed + peer
    return head + _option6(_V6_RELAY_PORT, b"\x00\x00") + _option6(_V6_RELAY_MESSAGE, body)


def _option6(code: int, value: bytes) -> bytes:
    return struct.pack("!HH", code, len(value)) + value


def _options6(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(content):
        code, length = struct.unpack_from("!HH", content, at)
        yield code, content[at + 4 : at + 4 + length]
        at += 4 + length


def _relayed(answer: bytes) -> bytes:
    if len(answer) < 34 or answer[0] != _V6_RELAY_REPLY:
        return b""
    return next((value for code, value in _options6(answer[34:]) if code == _V6_RELAY_MESSAGE), b"")


def _advertised(content: bytes) -> Offer | None:
    for code, association in _options6(content):
        if code not in (_V6_IA_NA, _V6_IA_PD) or len(association) < 12:
            continue
        for inner, value in _options6(association[12:]):
            if inner == _V6_IA_PREFIX and len(value) >= 25:
                return Offer(str(ipaddress.IPv6Address(value[9:25])), value[8], {})
            if inner == _V6_IA_ADDRESS and len(value) >= 24:
                return Offer(str(ipaddress.IPv6Address(value[:16])), 128, {})
    return None
