"""Whether a domain is set up for our mail: its MX, SPF, DKIM and DMARC records (rule O5), judged from what DNS says.

What DNS says is anybody's to write: it is measured before it is read, and shown as printable text alone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from dkim import KeyFormatError, evaluate_pk
from dkim.util import InvalidTagValueList, parse_tag_value
from dns.exception import DNSException

from ticketing.mail import spf
from ticketing.mail.authentication import organizational

MOST_SHOWN, LONGEST_SHOWN = 10, 600
LONGEST_READ = 4000
"""Characters of a TXT record that are read. Keys of 4096 bits need some 750; what is longer is nobody's record."""
WEAK_BITS, GOOD_BITS = 1024, 2048
"""RFC 8301: signers use at least 1024 bits and should use 2048."""


class Names(Protocol):
    """What DNS says. Both raise ``dns.exception.DNSException`` when nobody answers, and give nothing for no record."""

    def texts(self, name: str) -> list[str]: ...

    def exchanges(self, name: str) -> list[tuple[int, str]]:
        """Preference and host (without the last dot; "" for the null MX of RFC 7505)."""


class RecordState(models.TextChoices):
    RIGHT = "right", gettext_lazy("is right")
    WRONG = "wrong", gettext_lazy("is wrong")
    MISSING = "missing", gettext_lazy("is missing")
    UNANSWERED = "unanswered", gettext_lazy("no answer")
    UNJUDGED = "unjudged", gettext_lazy("look yourself")


class RecordKind(models.TextChoices):
    MX = "mx", "MX"
    SPF = "spf", "SPF"
    DKIM = "dkim", "DKIM"
    DMARC = "dmarc", "DMARC"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is right. ``servers`` take the mail, ``spf`` is the term that lets the server we send by send; both may be
    empty, when nobody has told. ``is_fetched``: the mailbox is elsewhere, so any server may take its mail."""

    domain: str
    selector: str
    servers: Sequence[str] = ()
    spf: str = ""
    is_fetched: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One record: where it stands, what was found, what that means, and the value to set ("" for nothing to set)."""

    kind: RecordKind
    name: str
    type: str
    state: RecordState
    detail: str
    found: tuple[str, ...] = ()
    value: str = ""


def look(names: Names, wanted: Wanted) -> list[Finding]:
    """Ask for the four records and judge each. One that nobody answers for spoils no other."""
    domain = wanted.domain
    return [
        _asked(RecordKind.MX, domain, "MX", lambda: _mx(names, wanted), _mx_value(wanted)),
        _asked(RecordKind.SPF, domain, "TXT", lambda: _spf(names, wanted), _spf_value(wanted)),
        _asked(RecordKind.DKIM, _dkim_name(wanted), "TXT", lambda: _dkim(names, wanted), ""),
        _asked(RecordKind.DMARC, f"_dmarc.{domain}", "TXT", lambda: _dmarc(names, wanted), DMARC_VALUE),
    ]


DMARC_VALUE = "v=DMARC1; p=none"

_Said = tuple[RecordState, str, Sequence[str]]


def _asked(kind: RecordKind, name: str, type_: str, judge: Callable[[], _Said], value: str) -> Finding:
    try:
        state, detail, found = judge()
    except (DNSException, OSError, UnicodeError):
        state, found = RecordState.UNANSWERED, ()
        detail = _("No name server has answered in time, or it has answered with an error. Try again in a while.")
    if kind == RecordKind.DKIM and state in (RecordState.MISSING, RecordState.WRONG):
        value = _("v=DKIM1; k=rsa; p=(the public key your mail server shows)")
    shown = tuple(_shown(each) for each in found[:MOST_SHOWN])
    return Finding(kind, name, type_, state, detail, shown, "" if state == RecordState.RIGHT else value)


def _shown(text: str) -> str:
    plain = "".join(each if each.isprintable() else "\ufffd" for each in text[: LONGEST_SHOWN + 1])
    return plain if len(plain) <= LONGEST_SHOWN else plain[:LONGEST_SHOWN] + "…"


def _mx_value(wanted: Wanted) -> str:
    if wanted.is_fetched:
        return ""
    return "\n".join(f"{10 * n} {host.rstrip('.')}." for n, host in enumerate(wanted.servers, 1))


def _mx(names: Names, wanted: Wanted) -> _Said:
    found = sorted(names.exchanges(wanted.domain))
    shown = [f"{preference} {host}." for preference, host in found]
    if not found:
        said = _("No server is named that takes mail for this domain.")
        if not wanted.servers and not wanted.is_fetched:
            said += " " + _("Which one it should be, nobody has told BOSS (BOSS_MAIL_MX).")
        return RecordState.MISSING, said, shown
    if all(not host for _preference, host in found):
        return RecordState.WRONG, _("The domain says that it takes no mail at all."), shown
    if wanted.is_fetched:
        return (
            RecordState.RIGHT,
            _("Mail of this mailbox is fetched from its server, so any server may take it."),
            shown,
        )
    if not wanted.servers:
        said = _("BOSS has not been told which server takes mail for it (BOSS_MAIL_MX). Compare for yourself.")
        return RecordState.UNJUDGED, said, shown
    ours = {host.rstrip(".").lower() for host in wanted.servers}
    others = [host for _preference, host in found if host.lower() not in ours]
    first = [host for preference, host in found if preference == found[0][0]]
    if any(host in others for host in first):
        said = _("Mail goes to %(host)s first, and that is not the server that hands it to BOSS.")
        return RecordState.WRONG, said % {"host": _shown(next(host for host in first if host in others))}, shown
    if others:
        said = _("Mail reaches BOSS. While your server is away it goes to %(host)s, which has to pass it on.")
        return RecordState.RIGHT, said % {"host": _shown(others[0])}, shown
    return RecordState.RIGHT, _("Mail reaches BOSS."), shown


def _spf_value(wanted: Wanted) -> str:
    return f"v=spf1 {wanted.spf} ~all" if wanted.spf else ""


def _spf(names: Names, wanted: Wanted) -> _Said:
    found = spf.records(names.texts(wanted.domain))
    if not found:
        said = _("The domain does not say which servers may send in its name.")
        if not wanted.spf:
            said += " " + _("Which one BOSS sends by, nobody has told it (BOSS_MAIL_SPF).")
        return RecordState.MISSING, said, found
    if len(found) > 1:
        said = _("There is more than one SPF record, so none of them counts. Put them together into one.")
        return RecordState.WRONG, said, found
    try:
        answer = spf.permits(found[0][:LONGEST_READ], wanted.spf, names.texts)
    except spf.Broken as broken:
        return RecordState.WRONG, str(broken), found
    if not wanted.spf:
        said = _("BOSS has not been told which server its mail leaves by (BOSS_MAIL_SPF). Compare for yourself.")
        return RecordState.UNJUDGED, said, found
    term = {"term": wanted.spf}
    if answer == spf.Answer.YES:
        return RecordState.RIGHT, _("The server that BOSS sends by may send in the name of this domain."), found
    if answer == spf.Answer.ANYBODY:
        return RecordState.WRONG, _("“+all” lets anybody send in the name of this domain. End it by “~all”."), found
    if answer == spf.Answer.UNSURE:
        said = _("“%(term)s” is not there. It may be covered by another term that BOSS does not look into.") % term
        return RecordState.UNJUDGED, said, found
    said = _("The server that BOSS sends by may not send. Put “%(term)s” into the record, before “all”.") % term
    return RecordState.WRONG, said, found


def _dkim_name(wanted: Wanted) -> str:
    return f"{wanted.selector}._domainkey.{wanted.domain}"


def _dkim(names: Names, wanted: Wanted) -> _Said:
    found = names.texts(_dkim_name(wanted))
    if not found:
        said = _(
            "There is no key of this selector. BOSS signs no mail itself: switch on DKIM at the mail server it sends"
            " by, with this selector, and set the record that the server shows."
        )
        return RecordState.MISSING, said, found
    if len(found) > 1:
        return RecordState.WRONG, _("There is more than one record, so none of them counts. Leave one."), found
    try:
        bits = _bits(found[0])
    except (KeyFormatError, InvalidTagValueList, ValueError, LookupError, TypeError):
        return RecordState.WRONG, _("This is not a key. Copy the whole record that your mail server shows."), found
    if bits is None:
        return RecordState.WRONG, _("This key was withdrawn: the part after “p=” is empty."), found
    if bits < WEAK_BITS:
        return RecordState.WRONG, _("The key is too short: %(n)s bits. Make one of 2048 bits.") % {"n": bits}, found
    said = _("There is a key. Whether your mail server signs with it shows in a mail that has arrived.")
    if 256 < bits < GOOD_BITS:
        said += " " + _("A key of 2048 bits would be better; this one has %(n)s.") % {"n": bits}
    return RecordState.RIGHT, said, found


_ED25519_BYTES, _AS_GOOD_AS = 32, 3072


def _bits(record: str) -> int | None:
    """Strength of a key, in bits of an RSA key. None: withdrawn (RFC 6376 3.6.1)."""
    raw = record[:LONGEST_READ].encode("ascii", "replace")
    tags: dict[bytes, bytes] = parse_tag_value(raw)
    if tags.get(b"v", b"DKIM1") != b"DKIM1" or b"p" not in tags:
        raise ValueError("no record of a DKIM key")
    if not tags[b"p"]:
        return None
    if tags.get(b"k") == b"ed25519":  # the library reads these with PyNaCl alone, which we do not ship
        key = base64.b64decode(b"".join(tags[b"p"].split()), validate=True)
        if len(key) != _ED25519_BYTES:
            raise binascii.Error("an Ed25519 key has 32 bytes")
        return _AS_GOOD_AS
    return int(evaluate_pk("", raw)[1])


def _dmarc(names: Names, wanted: Wanted) -> _Said:
    found, tag = _policies(names, wanted.domain), b"p"
    above = organizational(wanted.domain)
    if not found and above and above != wanted.domain:
        found, tag = _policies(names, above), b"sp"
    if not found:
        said = _(
            "The domain does not say what becomes of mail that only pretends to be from it. Many servers ask that."
        )
        return RecordState.MISSING, said, found
    if len(found) > 1:
        return RecordState.WRONG, _("There is more than one DMARC record, so none of them counts. Leave one."), found
    try:
        tags: dict[bytes, bytes] = parse_tag_value(found[0][:LONGEST_READ].encode("ascii", "replace"))
    except InvalidTagValueList:
        tags = {}
    policy = tags.get(tag, tags.get(b"p", b"")).strip().lower()
    if policy not in (b"none", b"quarantine", b"reject"):
        return RecordState.WRONG, _("It cannot be read: after “p=” stands none, quarantine or reject."), found
    said = {
        b"none": _(
            "Others only report on mail that pretends to be from it. Once all is right, ask for “p=quarantine”."
        ),
        b"quarantine": _("Mail that pretends to be from this domain is put aside by others."),
        b"reject": _("Mail that pretends to be from this domain is refused by others."),
    }[policy]
    if tag == b"sp":
        said += " " + _("This is the record of %(domain)s.") % {"domain": above}
    return RecordState.RIGHT, said, found


def _policies(names: Names, domain: str) -> list[str]:
    """RFC 7489 6.6.3: what does not begin with the version is no policy."""
    return [each for each in names.texts(f"_dmarc.{domain}") if each.partition(";")[0].replace(" ", "") == "v=DMARC1"]
