"""How much of a mail a realm takes in (rule E3). Kept in ``Realm.settings["mail_limits"]``."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from boss.tenancy.selectors import get_realm
from ticketing import file_limits
from ticketing.file_limits import MIB
from ticketing.mail.limits import DEFAULT, Limits

KEY = "mail_limits"
KIB = 1024


@dataclass(frozen=True, slots=True)
class MailLimits:
    """A mail of more than ``raw_mib`` is kept as it came and becomes a stub, and its sender is told; one of more
    than ``depth``, ``parts`` or ``header_kib`` goes to quarantine. Of the others ``text_kib`` are read, and up to
    ``attachments`` files of ``attachment_mib`` each are put on the ticket: no more than its pages take."""

    raw_mib: int = DEFAULT.raw // MIB
    attachments: int = DEFAULT.attachments
    attachment_mib: int = DEFAULT.attachment // MIB
    text_kib: int = DEFAULT.text // KIB
    depth: int = DEFAULT.depth
    parts: int = DEFAULT.parts
    header_kib: int = DEFAULT.header // KIB

    def to_json(self) -> dict[str, int]:
        return asdict(self)


USUAL = MailLimits()
LEAST = MailLimits(raw_mib=1, attachments=0, attachment_mib=1, text_kib=16, depth=3, parts=10, header_kib=16)
MOST = MailLimits(
    raw_mib=50, attachments=50, attachment_mib=25, text_kib=4096, depth=20, parts=500, header_kib=1024
)  # fmt: skip
"""The house's own: below what the doors take at all (64 MiB), and what a mail may cost to be read."""


def of_realm(realm_id: int) -> MailLimits:
    """What the realm has set, else the usual."""
    kept = get_realm(realm_id).settings.get(KEY, {})
    return MailLimits(**{name: int(kept.get(name, usual)) for name, usual in USUAL.to_json().items()})


def for_reading(realm_id: int) -> Limits:
    """The same for whoever reads a mail: of files no more than the realm takes on its pages."""
    mail, files = of_realm(realm_id), file_limits.of_realm(realm_id)
    return Limits(
        raw=mail.raw_mib * MIB,
        attachments=min(mail.attachments, files.count),
        attachment=min(mail.attachment_mib, files.file_mib) * MIB,
        depth=mail.depth,
        parts=mail.parts,
        text=mail.text_kib * KIB,
        header=mail.header_kib * KIB,
    )
