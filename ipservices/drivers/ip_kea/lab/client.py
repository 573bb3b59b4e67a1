"""A subscriber's router behind a relay, for tests: it really takes a lease, renews it and gives it back.

Written apart from the driver's own test client, so that one does not vouch for the other.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from dataclasses import dataclass, field

DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE = 1, 2, 3, 5, 6, 7
SECONDS = 1.2
UNKNOWN = ".".join("0000")


@dataclass
class Router:
    """A DHCPv4 client of one hardware address, its relay on ``link``."""

    server: tuple[str, int]
    mac: str
    link: str
    client_id: bytes = b""
    circuit_id: bytes = b""
    address: str = ""
    options: dict[int, bytes] = field(default_factory=dict)

    def lease(self) -> bool:
        """DISCOVER, OFFER, REQUEST, ACK; whether it has an address now."""
        offer = self._ask(DISCOVER, {})
        if offer is None or offer[0] != OFFER:
            return False
        _kind, address, options = offer
        ack = self._ask(REQUEST, {50: socket.inet_aton(address), 54: options[54]})
        return self._take(ack)

    def renew(self) -> bool:
        """Ask for more time, as a client does at half of its lease; whether it was given."""
        return self._take(self._ask(REQUEST, {}, ciaddr=self.address))

    def release(self) -> None:
        """Give the address back; a server does not answer that."""
        server = self.options[54]
        self._ask(RELEASE, {54: server}, ciaddr=self.address, wait=False)
        self.address = ""

    @property
    def nameservers(self) -> list[str]:
        value = self.options.get(6, b"")
        return [socket.inet_ntoa(value[at : at + 4]) for at in range(0, len(value), 4)]

    @property
    def lease_seconds(self) -> int:
        return int.from_bytes(self.options.get(51, b""), "big")

    def _take(self, answer: tuple[int, str, dict[int, bytes]] | None) -> bool:
        if answer is None or answer[0] != ACK:
            return False
        _kind, self.address, self.options = answer
        return True

    def _ask(
        self,
        kind: int,
        more: dict[int, bytes],
        *,
        ciaddr: str = "",
        wait: bool = True,
    ) -> tuple[int, str, dict[int, bytes]] | None:
        xid = os.urandom(4)
        options = {
            53: bytes([kind]),
            **({61: self.client_id} if self.client_id else {}),
            55: b"\x01\x03\x06\x0c\x33",
            **more,
        }
        agent = (b"\x01" + bytes([len(self.circuit_id)]) + self.circuit_id) if self.circuit_id else b""
        agent += b"\x05\x04" + socket.inet_aton(self.link) + b"\x13\x00"
        body = b"".join(bytes([code, len(value)]) + value for code, value in [*options.items(), (82, agent)])
        hardware = bytes.fromhex(self.mac.replace(":", ""))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.bind(("127.0.0.1", 0))
            packet = (
                struct.pack("!4B4s2H", 1, 1, 6, 1, xid, 0, 0)
                + socket.inet_aton(ciaddr or UNKNOWN)
                + bytes(8)
                + socket.inet_aton("127.0.0.1")
                + hardware
                + bytes(10 + 192)
                + bytes.fromhex("63825363")
                + body
                + b"\xff"
            )
            wire.settimeout(SECONDS)
            try:
                wire.sendto(packet, self.server)
                while wait:
                    answer = wire.recv(2000)
                    if answer[4:8] == xid:
                        return _read(answer)
            except (TimeoutError, ConnectionRefusedError):
                return None
        return None


def _read(answer: bytes) -> tuple[int, str, dict[int, bytes]]:
    options, rest = {}, answer[240:]
    while rest and rest[0] != 255:
        code, length = rest[0], rest[1]
        options[code], rest = rest[2 : 2 + length], rest[2 + length :]
    return options[53][0], socket.inet_ntoa(answer[16:20]), options


@dataclass
class Delegated:
    """A DHCPv6 client that wants a prefix, its relay on ``link``; ``scope`` of an interface instead: no relay."""

    server: tuple[str, int]
    duid: bytes
    link: str
    prefix: str = ""
    options: dict[int, bytes] = field(default_factory=dict)

    def lease(self) -> bool:
        """SOLICIT, ADVERTISE, REQUEST, REPLY; whether a prefix was delegated."""
        advertised = self._ask(1, b"")
        if advertised is None or not _prefix_in(advertised):
            return False
        server = _option(2, advertised[2])
        return self._take(self._ask(3, server))

    def renew(self) -> bool:
        return self._take(self._ask(5, _option(2, self.options[2]), _held(self.prefix)))

    def _take(self, options: dict[int, bytes] | None) -> bool:
        found = _prefix_in(options or {})
        if options is None or not found:
            return False
        self.prefix, self.options = found, options
        return True

    def message(self, kind: int, xid: bytes, server: bytes, held: bytes = b"") -> bytes:
        wanted = _option(25, struct.pack("!3I", 7, 0, 0) + held)
        return (
            bytes([kind]) + xid + _option(1, self.duid) + server + wanted + _option(8, b"\0\0") + _option(6, b"\0\x17")
        )

    def _ask(self, kind: int, server: bytes, held: bytes = b"") -> dict[int, bytes] | None:
        xid = os.urandom(3)
        inner = self.message(kind, xid, server, held)
        packet = b"\x0c\x00" + socket.inet_pton(socket.AF_INET6, self.link) + bytes(15) + b"\x09"
        packet += _option(135, b"\0\0") + _option(9, inner)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as wire:
            wire.settimeout(SECONDS)
            try:
                wire.sendto(packet, self.server)
                while True:
                    answer = options_of(wire.recv(4000)[34:]).get(9, b"")
                    if answer[1:4] == xid:
                        return options_of(answer[4:])
            except (TimeoutError, ConnectionRefusedError):
                return None


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("!2H", code, len(value)) + value


def options_of(content: bytes) -> dict[int, bytes]:
    """DHCPv6 options by their code; the last of a code counts."""
    found = {}
    while len(content) >= 4:
        code, length = struct.unpack("!2H", content[:4])
        found[code], content = content[4 : 4 + length], content[4 + length :]
    return found


def _held(prefix: str) -> bytes:
    network = ipaddress.IPv6Network(prefix)
    return _option(26, struct.pack("!2IB", 0, 0, network.prefixlen) + network.network_address.packed)


def _prefix_in(options: dict[int, bytes]) -> str:
    delegated = options_of(options.get(25, b"")[12:]).get(26, b"")
    valid = int.from_bytes(delegated[4:8], "big")
    return f"{ipaddress.IPv6Address(delegated[9:25])}/{delegated[8]}" if len(delegated) >= 25 and valid else ""
