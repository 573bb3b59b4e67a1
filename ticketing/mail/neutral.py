"""A mail as the rest of BOSS sees it, whatever its sender's program made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

TOO_LARGE = "too_large"
"""The warning of a mail of which only the header was read."""


class Unparseable(ValueError):
    """The mail cannot be read, or not safely. It is kept raw and shown to people as text."""


@dataclass(frozen=True, slots=True)
class Address:
    """``email`` in lower case, ``name`` as written."""

    email: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment. ``index`` counts the parts of the raw mail; ``refused`` says why it is never offered, else ""."""

    index: int
    name: str
    type: str
    size: int
    sha256: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """``headers``: names in lower case, every value of each, unfolded. Ids are without angle brackets."""

    headers: Mapping[str, Sequence[str]]
    sender: Address
    senders: int
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    attachments: tuple[Part, ...]
    body_hash: str
    content_type: str
    report_type: str = ""
    warnings: tuple[str, ...] = field(default=())

    def header(self, name: str) -> str:
        """The first value of a header, "" when there is none."""
        return next(iter(self.headers.get(name.lower(), ())), "")

    @property
    def is_too_large(self) -> bool:
        return TOO_LARGE in self.warnings

    @property
    def thread_root(self) -> str:
        """The id of the mail that began the conversation, as far as this one says."""
        return next(iter(self.references or self.in_reply_to), "")
