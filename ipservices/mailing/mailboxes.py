"""Mailboxes in neutral words: what may be asked, and which doors are open."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from ipservices.contracts import Restriction

DOORS = ("imap", "pop", "submit", "deliver")
LEAST_QUOTA_MB, MOST_QUOTA_MB = 1, 10_000_000
_LOCAL = re.compile(r"[a-z0-9](?:[a-z0-9_-]|\.(?!\.))*(?<!\.)")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REPLY_WORDS = {"text", "from", "to"}
_MOST_REPLY = 4000

Faults = dict[str, list[str]]


def address(text: object) -> str:
    """An address as servers are told it: lower-case ASCII. Raises :class:`ValueError`.

    Nothing but letters, digits, dots, dashes and underscores comes through, so no server's query language can be hurt.
    """
    # Some letters that are not ASCII have a small letter that is.
    wanted = str(text).lower() if str(text).isascii() else ""
    local, at, domain = wanted.partition("@")
    labels = domain.split(".")
    good = at and len(local) <= 64 and len(domain) <= 253 and _LOCAL.fullmatch(local) and len(labels) > 1
    if not good or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{str(text)!r} is no address: letters, digits, . - _ and one @ in ASCII")
    return wanted


def addresses(texts: object) -> list[str]:
    """Several addresses, sorted, each once."""
    if not isinstance(texts, list | tuple):
        raise ValueError("a list of addresses is needed")
    return sorted({address(text) for text in texts})


def domain_of(text: str) -> str:
    return text.rpartition("@")[2]


def normal(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes in the one spelling that servers keep and :func:`compare` sees; unknown ones stay as they are."""
    made = dict(attributes)
    for key, spelled in _SPELLINGS.items():
        if key in made:
            made[key] = spelled(made[key])
    return made


def faults(name: str, attributes: Mapping[str, Any], domains: Iterable[str]) -> Faults:
    """What can never be accepted, by field."""
    wrong: Faults = {}
    served = set(domains)
    try:
        if domain_of(address(name)) not in served:
            wrong["name"] = [f"{name} is in none of the domains served here: {', '.join(sorted(served))}"]
    except ValueError as error:
        wrong["name"] = [str(error)]
    for key in ("address", "quota_mb"):
        if attributes.get(key) in (None, ""):
            wrong[key] = ["this is needed"]
    for key, value in attributes.items():
        if key not in _SPELLINGS:
            wrong[key] = ["mailboxes have no such attribute"]
            continue
        try:
            spelled = _SPELLINGS[key](value)
        except (ValueError, TypeError) as error:
            wrong.setdefault(key, [str(error)])
            continue
        if key == "address" and "name" not in wrong and spelled != address(name):
            wrong[key] = [f"it is not {name}"]
        if key == "aliases":
            strange = [alias for alias in spelled if domain_of(alias) not in served]
            if strange or name.lower() in spelled:
                wrong[key] = [f"not possible here: {', '.join(strange) or name}"]
        if key == "forward" and name.lower() in spelled:
            wrong[key] = ["a mailbox cannot forward to itself"]
    return wrong


def open_doors(restriction: Restriction, switched_off: Iterable[str]) -> frozenset[str]:
    """Which doors are open: what the operator leaves open, without what the owner switched off.

    Barred outgoing: nothing is sent. Walled: nobody gets in, mail still arrives. Blocked: nothing at all.
    """
    left = {
        Restriction.NONE: DOORS,
        Restriction.OUTGOING_BARRED: ("imap", "pop", "deliver"),
        Restriction.WALLED: ("deliver",),
        Restriction.BLOCKED: (),
    }[restriction]
    return frozenset(left) - frozenset(switched_off)


def _quota(value: object) -> int:
    if isinstance(value, bool) or not LEAST_QUOTA_MB <= int(str(value)) <= MOST_QUOTA_MB:
        raise ValueError(f"between {LEAST_QUOTA_MB} and {MOST_QUOTA_MB} MB")
    return int(str(value))


def _limit(value: object) -> int | None:
    if value in (None, "", 0):
        return None
    if isinstance(value, bool) or int(str(value)) < 1:
        raise ValueError("at least one message in a day, or nothing for no limit")
    return int(str(value))


def _reply(value: object) -> dict[str, str] | None:
    if not value:
        return None
    if not isinstance(value, Mapping) or set(value) - _REPLY_WORDS:
        raise ValueError("text, and from and to as days")
    made = {str(key): str(word) for key, word in sorted(value.items()) if word}
    if not made.get("text", "").strip() or len(made["text"]) > _MOST_REPLY or "\0" in made["text"]:
        raise ValueError(f"a text of at most {_MOST_REPLY} characters is needed")
    for key in ("from", "to"):
        if key in made:
            made[key] = date.fromisoformat(made[key]).isoformat()
    return made


_SPELLINGS: dict[str, Callable[[Any], Any]] = {
    "address": address,
    "quota_mb": _quota,
    "aliases": lambda value: addresses(value or []),
    "forward": lambda value: addresses(value or []),
    "autoreply": _reply,
    "daily_send_limit": _limit,
}
