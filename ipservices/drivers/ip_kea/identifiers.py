"""By what a DHCP server knows a client, as text in BOSS and as bytes on the server: pure functions between the two.

``mac:00:11:22:33:44:55``, ``duid:00:03:00:01:…``, ``circuit_id:olt1/0/7``, ``client_id:…``; what is no plain text is
written ``0x…``. A bare hardware address is one too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = {"mac": 0, "duid": 1, "circuit_id": 2, "client_id": 3}
_WORDS = {number: word for word, number in KINDS.items()}
_IN_HEX = ("mac", "duid")
_LONGEST = 128  # Kea's own limit

# Enterprise number for examples (RFC 5612): nobody's equipment has such a DUID.
_NOBODY = b"\x00\x02" + (32473).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Identifier:
    """Kea's number for the kind, and the bytes a client sends."""

    kind: int
    value: bytes

    def __str__(self) -> str:
        word = _WORDS[self.kind]
        if word in _IN_HEX:
            return f"{word}:{self.value.hex(':')}"
        plain = self.value.isascii() and self.value.decode("ascii").isprintable() and not self.value.startswith(b"0x")
        return f"{word}:{self.value.decode('ascii') if plain else '0x' + self.value.hex()}"


def parse(text: str, version: int) -> Identifier:
    """Raises ValueError with words for people."""
    word, colon, rest = text.strip().partition(":")
    if word not in KINDS or not colon:
        word, rest = "mac", text.strip()
    if version == 6 and word not in ("mac", "duid"):
        raise ValueError("DHCPv6 knows clients by mac or duid")
    if version == 4 and word == "duid":
        raise ValueError("DHCPv4 knows clients by mac, circuit_id or client_id")
    if word in _IN_HEX or rest.startswith("0x"):
        digits = re.sub(r"[:.\-]", "", rest.removeprefix("0x"))
        try:
            value = bytes.fromhex(digits)
        except ValueError:
            raise ValueError(f"{text!r} is not written as bytes in hexadecimal") from None
    else:
        value = rest.encode()
    if word == "mac" and len(value) != 6:
        raise ValueError(f"{text!r} is not a hardware address of six bytes")
    if not 1 <= len(value) <= _LONGEST:
        raise ValueError(f"an identifier has 1 to {_LONGEST} bytes")
    return Identifier(KINDS[word], value)


def of_nobody(service_ref: str, version: int) -> Identifier:
    """What stands in a reservation while the client is not known: made of the service id, sent by no equipment."""
    if version == 6:
        return Identifier(KINDS["duid"], _NOBODY + service_ref.encode())
    return Identifier(KINDS["client_id"], b"\x00" + service_ref.encode())
