"""How much of a mail is read (rule E3). Bytes, unless said otherwise."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """A mail over ``raw`` becomes a stub with a notice; one over ``depth``, ``parts`` or ``header`` is quarantined."""

    raw: int = 25 * _MIB
    attachments: int = 20
    attachment: int = 15 * _MIB
    depth: int = 10
    parts: int = 200
    text: int = _MIB
    header: int = 256 * 1024
    addresses: int = 50


DEFAULT = Limits()
