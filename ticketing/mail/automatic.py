"""Rule L2: which mails no person wrote, and of what class they are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from ticketing.mail.neutral import Mail


class MailClass(models.TextChoices):
    HUMAN = "human", _("Written by a person")
    OUT_OF_OFFICE = "out_of_office", _("Automatic answer")
    BOUNCE = "bounce", _("Report of a mail server")
    AUTO = "auto", _("Sent by a program")
    LIST = "list", _("Mailing list")
    OWN = "own", _("Our own mail")


@dataclass(frozen=True, slots=True)
class Classified:
    """``signs`` are the headers that say so."""

    kind: MailClass
    signs: tuple[str, ...] = ()

    @property
    def is_automatic(self) -> bool:
        return self.kind != MailClass.HUMAN


_MACHINE_LOCALS = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply)(\+.*)?@", re.IGNORECASE)
_REPORTERS = re.compile(r"(mailer-daemon|postmaster)@", re.IGNORECASE)
_BULK = frozenset({"bulk", "junk", "list", "auto_reply"})
_SUPPRESS = frozenset({"dr", "autoreply", "oof", "all"})
_ANSWERS = ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply")
# A tie-break only, and only where the line begins: people write about being out of office, too.
_AWAY = re.compile(
    r"(re:\s*)?(out of (the )?office|automatic reply|auto(matic)?[- ]?(reply|response)|abwesen|automatische antwort"
    r"|réponse automatique|absence|risposta automatica|respuesta automática|afwezig|ferie)",
    re.IGNORECASE,
)


def classify(mail: Mail, *, envelope_from: str, own_addresses: frozenset[str] = frozenset()) -> Classified:
    """Of what class a mail is. ``envelope_from`` is the return path, "" when it is null."""
    signs = [*_signs_of_sender(mail, envelope_from, own_addresses), *_signs_of_headers(mail)]
    if not signs:
        return Classified(MailClass.HUMAN)
    return Classified(_kind(mail, envelope_from, signs), tuple(signs))


def _signs_of_sender(mail: Mail, envelope_from: str, own_addresses: frozenset[str]) -> list[str]:
    signs = []
    if not envelope_from.strip("<> "):
        signs.append("return-path")
    if _MACHINE_LOCALS.match(mail.sender.email) or _MACHINE_LOCALS.match(envelope_from.strip("<> ")):
        signs.append("sender")
    if mail.sender.email in own_addresses:
        signs.append("own-address")
    return signs


def _signs_of_headers(mail: Mail) -> list[str]:
    signs = []
    submitted = mail.header("auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        signs.append("auto-submitted")
    signs += [name for name in ("precedence", "x-precedence") if mail.header(name).strip().lower() in _BULK]
    signs += [name for name in mail.headers if name.startswith("list-")][:1]
    suppressed = {part.strip().lower() for part in mail.header("x-auto-response-suppress").split(",")}
    if suppressed & _SUPPRESS:
        signs.append("x-auto-response-suppress")
    signs += [name for name in _ANSWERS if name in mail.headers]
    if "x-fc-machinegenerated" in mail.headers:
        signs.append("x-fc-machinegenerated")
    if mail.content_type == "multipart/report":
        signs.append("multipart/report")
    return signs


def _kind(mail: Mail, envelope_from: str, signs: list[str]) -> MailClass:
    if "own-address" in signs:
        return MailClass.OWN
    if "multipart/report" in signs and mail.report_type in ("delivery-status", ""):
        return MailClass.BOUNCE
    reporter = _REPORTERS.match(mail.sender.email) or _REPORTERS.match(envelope_from.strip("<> "))
    if reporter and "return-path" in signs:
        return MailClass.BOUNCE
    submitted = mail.header("auto-submitted").partition(";")[0].strip().lower()
    if submitted == "auto-replied" or any(name in signs for name in _ANSWERS) or _AWAY.match(mail.subject):
        return MailClass.OUT_OF_OFFICE
    if mail.header("precedence").strip().lower() == "auto_reply":
        return MailClass.OUT_OF_OFFICE
    is_list = any(name.startswith("list-") for name in signs) or mail.header("precedence").strip().lower() == "list"
    return MailClass.LIST if is_list else MailClass.AUTO
