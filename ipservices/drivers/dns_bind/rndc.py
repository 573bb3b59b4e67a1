"""The control channel of BIND (what its program ``rndc`` speaks), so that BOSS needs no BIND package.

A message is its length, the version 1 and a table: keys of one length byte, values of a type byte and four length
bytes. Its first entry ``_auth`` holds the HMAC of all that follows. The first exchange fetches a nonce that every
later message of the connection must carry, so that none can be replayed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import socket
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ipservices.contracts import AuthFailed, Deadline, Transient, Unreachable
from ipservices.transport import reachable_address

_VERSION = 1
_BINARY, _TABLE = 1, 2
_HMAC_SHA256 = 163
_DIGEST_ROOM = 88
"""The field for the digest holds the longest one in base 64; shorter ones are filled up with zeros."""
_VALID_SECONDS = 60
_MOST_BYTES = 4 << 20

Table = Mapping[str, "bytes | Table"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server says to a command; ``error`` is empty when it was done."""

    text: str
    error: str


class Control:
    """Commands to one server over one connection, opened with the first. Not for several threads; close it."""

    def __init__(
        self,
        host: str,
        port: int,
        secret: str,
        *,
        deadline: Deadline,
        networks: tuple[str, ...],
        note: Callable[[Mapping[str, Any], Mapping[str, Any], float], None],
    ) -> None:
        self._place = (host, port)
        self._secret = secret
        self._deadline = deadline
        self._networks = networks
        self._note = note
        self._socket: socket.socket | None = None
        self._serial = secrets.randbelow(1 << 31)
        self._nonce = b""

    def close(self) -> None:
        """Close the connection. May be called twice."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._nonce = None, b""

    def command(self, words: str, *, changes: bool = True) -> Reply:
        """Let the server do ``words``. Raises Unreachable (of unknown outcome when it ``changes``), AuthFailed."""
        started = time.monotonic()
        written = {"control": words}
        try:
            link = self._connected()
            try:
                data = self._exchange(link, words)
            except (OSError, EOFError) as error:
                raise Unreachable("no answer on the control channel", outcome_unknown=changes) from error
        except Exception as error:
            self.close()
            self._note(written, {"error": str(error) or type(error).__name__}, started)
            raise
        text, fault = (str(data.get(key, b""), "utf-8", "replace").strip() for key in ("text", "err"))
        done = data.get("result", b"0") == b"0" and not fault
        reply = Reply(text, "" if done else "; ".join(part for part in (fault, text) if part) or "failure")
        self._note(written, {"error": reply.error} if reply.error else {"status": "ok", "text": text}, started)
        return reply

    def _connected(self) -> socket.socket:
        """The connection, with the nonce fetched."""
        if self._socket is not None:
            return self._socket
        for _attempt in range(2):
            link = self._open()
            try:
                self._exchange(link, "null")
            except EOFError:
                link.close()  # what a wrong signature gets; a server that just went away is not there the second time
            except OSError as error:
                link.close()
                raise Unreachable("no answer on the control channel") from error
            else:
                self._socket = link
                return link
        raise AuthFailed("the server hangs up on the control channel: another key, or a clock that is wrong")

    def _open(self) -> socket.socket:
        host, port = self._place
        address = reachable_address(host, self._networks, seconds=max(0.05, self._deadline.left))
        try:
            return socket.create_connection((address, port), timeout=max(0.05, self._deadline.left))
        except OSError as error:
            raise Unreachable(f"no connection to the control channel at {host}:{port}") from error

    def _exchange(self, link: socket.socket, words: str) -> dict[str, bytes]:
        self._serial += 1
        now = int(time.time())
        control = {
            "_ser": str(self._serial).encode(),
            "_tim": str(now).encode(),
            "_exp": str(now + _VALID_SECONDS).encode(),
            **({"_nonce": self._nonce} if self._nonce else {}),
        }
        key = _key(self._secret)
        link.settimeout(max(0.05, self._deadline.left))
        link.sendall(signed({"_ctrl": control, "_data": {"type": words.encode()}}, key))
        answer = opened(self._frame(link), key)
        about = answer.get("_ctrl", {})
        if not isinstance(about, dict) or about.get("_ser") != control["_ser"]:
            raise AuthFailed("the answer on the control channel belongs to another question")
        if self._nonce and about.get("_nonce") != self._nonce:
            raise AuthFailed("the answer on the control channel has another nonce")
        self._nonce = about.get("_nonce", b"")
        data = answer.get("_data", {})
        return data if isinstance(data, dict) else {}

    def _frame(self, link: socket.socket) -> bytes:
        (length,) = struct.unpack(">I", self._read(link, 4))
        if not 4 <= length <= _MOST_BYTES:
            raise Transient(f"an answer of {length} bytes on the control channel")
        found = self._read(link, length)
        if struct.unpack(">I", found[:4]) != (_VERSION,):
            raise Transient("the control channel speaks an unknown version")
        return found[4:]

    def _read(self, link: socket.socket, wanted: int) -> bytes:
        found = bytearray()
        while len(found) < wanted:
            link.settimeout(max(0.05, self._deadline.left))
            piece = link.recv(wanted - len(found))
            if not piece:
                raise EOFError("the server hung up")
            found += piece
        return bytes(found)


def signed(message: Table, key: bytes) -> bytes:
    """A message as it goes over the wire."""
    body = _encoded(message)
    digest = base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).ljust(_DIGEST_ROOM, b"\0")
    whole = _encoded({"_auth": {"hsha": bytes([_HMAC_SHA256]) + digest}}) + body
    return struct.pack(">II", len(whole) + 4, _VERSION) + whole


def opened(whole: bytes, key: bytes) -> dict[str, Any]:
    """The table of a message that came over the wire. Raises AuthFailed when the signature is not of ``key``."""
    message, rest_at = {}, 0
    try:
        name, value, rest_at = _entry(whole, 0)
        message = _decoded(whole[rest_at:])
        found = value["hsha"][1:].rstrip(b"\0=") if name == "_auth" and isinstance(value, dict) else b""
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise Transient("the answer on the control channel cannot be read") from error
    wanted = base64.b64encode(hmac.new(key, whole[rest_at:], hashlib.sha256).digest()).rstrip(b"=")
    if not hmac.compare_digest(found, wanted):
        raise AuthFailed("the answer on the control channel is not signed with this key")
    return message


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuthFailed("the key of the control channel is not written in base 64") from error


def _encoded(table: Table) -> bytes:
    whole = b""
    for name, value in table.items():
        kind, content = (_BINARY, value) if isinstance(value, bytes) else (_TABLE, _encoded(value))
        whole += bytes([len(name)]) + name.encode() + struct.pack(">BI", kind, len(content)) + content
    return whole


def _decoded(whole: bytes) -> dict[str, Any]:
    table, at = {}, 0
    while at < len(whole):
        name, table_or_bytes, at = _entry(whole, at)
        table[name] = table_or_bytes
    return table


def _entry(whole: bytes, at: int) -> tuple[str, Any, int]:
    """The entry of a table that begins at ``at``, and where the next one begins."""
    begins = at + 1 + whole[at]
    name = whole[at + 1 : begins].decode("ascii")
    kind, length = struct.unpack_from(">BI", whole, begins)
    content = whole[begins + 5 : begins + 5 + length]
    if len(content) < length:
        raise ValueError("an entry is longer than its message")
    return name, _decoded(content) if kind == _TABLE else content, begins + 5 + length
