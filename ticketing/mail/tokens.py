"""Signed addresses and ids (rules M1, M2, O1, L1): who may write on a ticket is decided by these, never by a number.

80 bits of HMAC-SHA-256 in base 32, lower case: sixteen characters that survive every mail program. Each signs a
sentence that begins with what it is for, so that one never passes for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

_BITS = 80
_ID = r"[0-9a-z]{12}"
_SIGNATURE = r"[a-z2-7]{16}"
_REPLY = re.compile(rf"(?P<local>[^+@\s]+)\+(?P<ticket>{_ID})\.(?P<token>{_SIGNATURE})@(?P<domain>[^@\s]+)\Z")
_BOUNCE = re.compile(rf"b\+(?P<mail>{_ID})\.(?P<signature>{_SIGNATURE})@(?P<domain>[^@\s]+)\Z")
_MINTED = re.compile(rf"boss\.(?P<kind>[a-z]{{1,8}})\.(?P<id>{_ID})\.(?P<seq>\d{{1,9}})\.(?P<signature>{_SIGNATURE})@")
OUR_FORM = re.compile(r"boss\.[a-z]{1,8}\.[^@\s]*@")


@dataclass(frozen=True, slots=True)
class Keyring:
    """A realm's keys by version. New things are signed by the newest, old ones stay valid until their key is gone."""

    realm_id: int
    keys: Mapping[int, bytes]

    @property
    def newest(self) -> int:
        return max(self.keys)

    def sign(self, *said: object, version: int | None = None) -> str:
        version = self.newest if version is None else version
        sentence = "\0".join(str(each) for each in (*said, self.realm_id, version)).encode()
        digest = hmac.new(self.keys[version], sentence, hashlib.sha256).digest()
        return base64.b32encode(digest[: _BITS // 8]).decode().lower()

    def has_signed(self, signature: str, *said: object) -> bool:
        return any(hmac.compare_digest(self.sign(*said, version=version), signature) for version in self.keys)


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """What a plus address claims: to be checked against the participants of that ticket."""

    ticket: str
    token: str


@dataclass(frozen=True, slots=True)
class Minted:
    """What a message id of our form claims, and whether we signed it."""

    kind: str
    public_id: str
    seq: int
    is_ours: bool


def reply_address(keys: Keyring, mailbox: str, *, ticket: str, participant: str) -> str:
    """M1: ``help+<ticket>.<token>@…``, for one participant of one ticket."""
    local, _at, domain = mailbox.partition("@")
    return f"{local}+{ticket}.{keys.sign('reply', ticket, participant)}@{domain}"


def read_reply_address(address: str) -> ReplyToken | None:
    """None for an address of any other shape."""
    found = _REPLY.match(address.strip("<> ").lower())
    return ReplyToken(found["ticket"], found["token"]) if found else None


def is_token_of(keys: Keyring, token: ReplyToken, participant: str) -> bool:
    return keys.has_signed(token.token, "reply", token.ticket, participant)


def mint_id(keys: Keyring, domain: str, *, kind: str, public_id: str, seq: int) -> str:
    """M2: a message id without its brackets."""
    return f"boss.{kind}.{public_id}.{seq}.{keys.sign('id', kind, public_id, seq)}@{domain}"


def read_id(keys: Keyring, message_id: str) -> Minted | None:
    """None for an id of any other shape."""
    found = _MINTED.match(message_id.lower())
    if found is None:
        return None
    ours = keys.has_signed(found["signature"], "id", found["kind"], found["id"], int(found["seq"]))
    return Minted(found["kind"], found["id"], int(found["seq"]), ours)


def bounce_address(keys: Keyring, domain: str, mail: str) -> str:
    """O1: the envelope's sender, by which a report of failure names the one mail it is about."""
    return f"b+{mail}.{keys.sign('bounce', mail)}@{domain}"


def claimed_bounce(address: str) -> str | None:
    """The mail a bounce address names, its signature not looked at. None for another shape."""
    found = _BOUNCE.match(address.strip("<> ").lower())
    return found["mail"] if found else None


def read_bounce_address(keys: Keyring, address: str) -> str | None:
    """The mail that a bounce address names, if we signed it."""
    found = _BOUNCE.match(address.strip("<> ").lower())
    return found["mail"] if found and keys.has_signed(found["signature"], "bounce", found["mail"]) else None


def origin(keys: Keyring, instance: str) -> str:
    """L1: the value of ``X-BOSS-Origin``."""
    return f"{instance}.{keys.sign('origin', instance)}"


def is_own_origin(keys: Keyring, value: str) -> bool:
    instance, _dot, signature = value.strip().rpartition(".")
    return bool(instance) and keys.has_signed(signature, "origin", instance)
