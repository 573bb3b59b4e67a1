"""The scanner that looks through files before anybody gets them: one for the installation, chosen by its operator.

``BOSS_FILE_SCANNER`` is empty (nothing is scanned, and pages say so), ``clamd:host:port``, ``clamd:/path/of/socket``,
or the name of an entry point of the group ``boss.file_scanners``, which gives an object with ``scan``.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

GROUP = "boss.file_scanners"
SECONDS = 60.0
"""How long a scanner may take for one file."""
_PIECE = 64 * 1024


class ScannerUnavailable(Exception):
    """The scanner cannot be asked, or gave no verdict: the file waits and is asked about again."""


class Scanner(Protocol):
    """Looks through one file."""

    def scan(self, content: bytes) -> str:
        """What is wrong with it, in the scanner's words; "" for nothing. Raises :class:`ScannerUnavailable`."""


def is_configured() -> bool:
    return bool(settings.BOSS_FILE_SCANNER)


def scanner() -> Scanner:
    """The scanner of this installation. Raises ImproperlyConfigured for one that is not there."""
    wanted: str = settings.BOSS_FILE_SCANNER
    kind, _colon, address = wanted.partition(":")
    if kind == "clamd":
        return Clamd(address)
    for entry in entry_points(group=GROUP, name=wanted):
        made: Scanner = entry.load()()
        return made
    raise ImproperlyConfigured(f"BOSS_FILE_SCANNER: there is no scanner {wanted!r}")


@dataclass(frozen=True, slots=True)
class Clamd:
    """ClamAV's daemon by its INSTREAM command. ``address``: ``host:port``, or the path of its socket.

    The address is the operator's setting, not a tenant's, so no guard of outgoing connections is asked.
    """

    address: str

    def scan(self, content: bytes) -> str:
        try:
            with self._connected() as line:
                line.sendall(b"zINSTREAM\0")
                for start in range(0, len(content), _PIECE):
                    piece = content[start : start + _PIECE]
                    line.sendall(struct.pack("!I", len(piece)) + piece)
                line.sendall(struct.pack("!I", 0))
                answer = _answer(line)
        except (OSError, ValueError) as error:
            raise ScannerUnavailable(str(error) or type(error).__name__) from error
        text = answer.removeprefix("stream: ")
        if text == "OK":
            return ""
        if text.endswith(" FOUND"):
            return text.removesuffix(" FOUND")
        raise ScannerUnavailable(text or "no answer")

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        if self.address.startswith("/"):
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(SECONDS)
            line.connect(self.address)
        else:
            host, _colon, port = self.address.rpartition(":")
            line = socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
        with line:
            yield line


def _answer(line: socket.socket) -> str:
    heard = b""
    while b"\0" not in heard and len(heard) < 4096:
        piece = line.recv(4096)
        if not piece:
            break
        heard += piece
    answer, ended, _more = heard.partition(b"\0")
    # Half an answer is none: a daemon that was killed after "OK" may have been about to say more.
    return answer.decode(errors="replace").strip() if ended else ""
