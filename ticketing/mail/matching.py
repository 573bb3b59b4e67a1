"""What a mail says about the ticket it belongs to. Whether that is so is looked up elsewhere; here it is only read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ticketing.mail.neutral import Address, Mail
from ticketing.mail.tokens import OUR_FORM, Keyring, Minted, ReplyToken, read_id, read_reply_address

_TAG = re.compile(r"\[\s*([A-Za-z]{1,8})\s?[#-]\s?(\d{1,12})\s*\]")
_FORWARD = re.compile(r"\s*(fwd?|wg|tr|rv|enc|i|fs)\s*:", re.IGNORECASE)
_FORWARDED_FROM = re.compile(
    r"^[>\s*]*(?:from|von|de|da|van|od)\s*:\s*\*?\s*(?P<name>[^<\n]{0,120}?)\s*[<\[(]?(?:mailto:)?"
    r"(?P<email>[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+[A-Za-z0-9])",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Clues:
    """In the order in which they count: M1, M2, M3, M5."""

    token: ReplyToken | None
    minted: tuple[Minted, ...]
    ids: tuple[str, ...]
    tag: str
    forged: tuple[str, ...] = ()


def clues(mail: Mail, keys: Keyring, *, envelope_to: str) -> Clues:
    """E2: the plus address is that of the envelope, whatever stands in ``To``. Numbers in the body are never looked at.

    Ids: ``In-Reply-To`` first, then ``References`` from right to left. Those of our form and not signed by us are
    ``forged`` and match nothing.
    """
    ordered = list(dict.fromkeys([*mail.in_reply_to, *reversed(mail.references)]))
    minted, forged, foreign = [], [], []
    for each in ordered:
        found = read_id(keys, each)
        if found is not None and found.is_ours:
            minted.append(found)
        elif OUR_FORM.match(each.lower()):
            forged.append(each)
        else:
            foreign.append(each)
    return Clues(
        token=read_reply_address(envelope_to),
        minted=tuple(minted),
        ids=tuple(foreign[:50]),
        tag=number_in(mail.subject),
        forged=tuple(forged),
    )


def number_in(subject: str) -> str:
    """The ticket number a subject's tag names: "[NF #10482]" and "[NF-10482]" give "NF-10482"; else ""."""
    found = _TAG.search(subject)
    return f"{found[1].upper()}-{found[2]}" if found else ""


def tag_of(number: str) -> str:
    """How a number stands in a subject (O2): "NF-10482" as "[NF #10482]"."""
    prefix, _dash, digits = number.rpartition("-")
    return f"[{prefix} #{digits}]"


def is_forward(mail: Mail) -> bool:
    return bool(_FORWARD.match(mail.subject))


def forwarded_from(mail: Mail, own: Iterable[str]) -> Address | None:
    """M7: who wrote what somebody forwards, as his program quotes it. Never believed, only offered."""
    for found in _FORWARDED_FROM.finditer(mail.text[:20_000]):
        email = found["email"].lower()
        if email not in own:
            return Address(email, " ".join(found["name"].strip(" \"'*").split()))
    return None


_COMMAND = re.compile(r"\s*#(?P<verb>note|close|assign me)\s*$", re.IGNORECASE)


def commands(text: str) -> tuple[frozenset[str], str]:
    """Commands on the first lines of a mail of staff ("#note", "#close", "#assign me"), and the text without them."""
    lines = text.splitlines()
    found = set()
    while lines and (not lines[0].strip() or _COMMAND.match(lines[0])):
        first = _COMMAND.match(lines.pop(0))
        if first:
            found.add(first["verb"].lower())
    return frozenset(found), "\n".join(lines).strip()
