"""What drivers for mail servers do alike: Dovecot serves, mailboxes are the kind, a canary proves that mail flows."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices.contracts import (
    TRIAL_REF,
    Capabilities,
    Connection,
    Desired,
    Difference,
    Driver,
    DriverError,
    Health,
    Invalid,
    Observed,
    Restriction,
    Safety,
    UsageReading,
    UsageSample,
    counted_since,
)
from ipservices.mailing import mailboxes, webmail
from ipservices.mailing.doveadm import Doveadm
from ipservices.mailing.plane import Plane

CANARY_REF = "boss-canary"
"""Stands where a service's id stands, at the mailbox that health sends mail to."""

_MARK = "dovecot"
"""In the cursor, beside the mailboxes (whose keys have a space in them): the mark of the counters last read."""
_OF_DOVECOT = frozenset({"messages_in"})
"""Metrics that Dovecot counts in its own memory."""

HANDOVER = r"^tcps?:[A-Za-z0-9.:\[\]-]+:[0-9]{1,5}$"
"""Nothing else: Dovecot would run any other destination as a command."""

SETTINGS = (
    Characteristic("domains", label=_("Mail domains"), required=True, help=_("several with spaces between")),
    Characteristic("mail_host", label=_("Mail server"), required=True, max_length=253,
                   help=_("where subscribers read and send their mail")),
    Characteristic("tls", "choice", label=_("Encryption"), default="tls", choices=(
        ("tls", _("TLS from the start, certificate checked")), ("none", _("none (allowed networks only)")))),
    Characteristic("smtp_port", "integer", label=_("Port for incoming mail"), default=25, minimum=1, maximum=65535),
    Characteristic("submission_port", "integer", label=_("Port for sending"), default=465, minimum=1, maximum=65535),
    Characteristic("imap_port", "integer", label=_("IMAP port"), default=993, minimum=1, maximum=65535),
    Characteristic("pop_port", "integer", label=_("POP port"), minimum=1, maximum=65535,
                   help=_("Nothing here: POP is not offered.")),
    Characteristic("handover", label=_("Where whole mailboxes are handed over"), max_length=253, pattern=HANDOVER,
                   expects=_("tcps:, a host, a colon and a port"),
                   help=_("as other Dovecots reach this one's doveadm, for instance tcps:192.0.2.25:12345; nothing "
                          "here: BOSS moves no mail to or from this server")),
    Characteristic("webmail_url", label=_("Webmail address"),
                   help=_("of a Roundcube with BOSS's plug-in; nothing here: no sign-in from the portal")),
)  # fmt: skip
WEBMAIL_KEY = Characteristic("webmail_key", "secret", label=_("Key of the webmail plug-in"))
DOVEADM_URL = _("doveadm address")
DOVEADM_KEY = _("doveadm key")


@dataclass(frozen=True, slots=True)
class Counters:
    """What one mailbox has counted so far; metrics that the server cannot tell are not there."""

    service_ref: str
    metrics: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """What every mailbox of a service has counted so far, by a key that never changes.

    ``marks``: one of them stays until Dovecot's own counters begin anew; none where that cannot be told.
    """

    mailboxes: Mapping[str, Counters]
    marks: frozenset[str] = frozenset()


class MailDriver(Driver):
    """A mail server of Postfix and Dovecot's make; a subclass knows where its mailboxes are written down."""

    attributes: ClassVar[frozenset[str]]
    """The neutral attributes this server can hold."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        given = connection.settings
        self.domains = tuple(str(given.get("domains") or "").lower().split())
        self.doveadm = (
            Doveadm(
                str(given["doveadm_url"]),
                connection.secrets.get("doveadm_key", ""),
                deadline=self.deadline,
                networks=connection.networks,
                note=self.note,
                owner=connection.owner,
            )
            if given.get("doveadm_url")
            else None
        )

    def close(self) -> None:
        if self.doveadm is not None:
            self.doveadm.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"mail.mailbox"}),
            restrictions=frozenset(Restriction),
            cuts_sessions=True,
            usage=True,
            sign_in=True,
            hands_over="dovecot",
            safety=Safety.READBACK,
        )

    def validate(self, desired: Desired) -> None:
        if desired.full_kind != "mail.mailbox":
            raise Invalid(f"this mail server does not provide {desired.full_kind}")
        wrong = mailboxes.faults(desired.name, desired.attributes, self.domains)
        for key, value in desired.attributes.items():
            if value and key not in self.attributes:
                wrong.setdefault(key, ["this server cannot do that"])
        if strange := sorted(desired.switched_off - set(mailboxes.DOORS)):
            wrong["switched_off"] = [f"mailboxes have no such switch: {', '.join(strange)}"]
        password = desired.secrets.get("password", "")
        if len(password.encode()) > 256 or any(ord(letter) < 32 for letter in password):
            wrong["password"] = ["at most 256 bytes, and none of them a control character"]
        if wrong:
            words = (f"{key}: {message}" for key, messages in wrong.items() for message in messages)
            raise Invalid("; ".join(words), fields=wrong)

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        attributes = {
            key: value
            for key, value in mailboxes.normal(desired.attributes).items()
            if key in self.attributes or value not in (None, [])
        }
        return super().compare(replace(desired, attributes=attributes), observed)

    def cut_sessions(self, desired: Desired) -> int:
        if self.doveadm is None:
            return 0
        return self.doveadm.kick(mailboxes.address(desired.name))

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        domain = (self.domains or ("invalid",))[0]
        name = f"boss-trial@{domain}"
        attributes: dict[str, Any] = {
            "address": name,
            "quota_mb": 100 + number,
            "aliases": [f"boss-trial-{number}@{domain}"],
        }
        password = self._derived(f"trial {name}")
        return Desired(TRIAL_REF, "mail", "mailbox", name, attributes, secrets={"password": password})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        user, password = mailboxes.address(desired.name), desired.secrets.get("password", "")
        if switch == "deliver":
            return self.plane.takes_mail_for(user)
        door, asks = {
            "": ("imap", self.plane.reads_by_imap),
            "imap": ("imap", self.plane.reads_by_imap),
            "pop": ("pop", self.plane.reads_by_pop),
            "submit": ("submission", self.plane.may_submit),
        }[switch]
        return asks(user, password) if password and self.plane.has(door) else None

    @classmethod
    def signs_in(cls, settings: Mapping[str, Any]) -> bool:
        return bool(settings.get("webmail_url"))

    def sign_in_link(self, desired: Desired) -> str | None:
        url, key = str(self.connection.settings.get("webmail_url") or ""), self.connection.secrets.get("webmail_key")
        if not url or not key:
            return None
        return f"{url.rstrip('/')}/?_boss={webmail.token(mailboxes.address(desired.name), key)}"

    def taking_address(self) -> str:
        return str(self.connection.settings.get("handover") or "") if self.doveadm is not None else ""

    def hand_over(self, desired: Desired, address: str) -> None:
        if self.doveadm is None or not re.fullmatch(HANDOVER, address):
            raise Invalid("no doveadm here that hands over, or no such place there")
        self.doveadm.hand_over(mailboxes.address(desired.name), address)

    def contents(self, desired: Desired) -> Mapping[str, Any]:
        return self.doveadm.contents(mailboxes.address(desired.name)) if self.doveadm is not None else {}

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        counted = self.counters()
        mark = str(cursor.get(_MARK) or "")
        # Without a mark from last time (it was never left, or an earlier BOSS read) only a lower count tells a reset.
        anew = bool(mark and counted.marks) and mark not in counted.marks
        samples: list[UsageSample] = []
        seen: dict[str, Any] = {}
        for name, found in counted.mailboxes.items():
            before: Mapping[str, int] = cursor.get(name, {})
            # Storage goes up and down: what is kept of it is the highest so far, so that the sum never goes back.
            stored = found.metrics.get("storage_octets", 0)
            now = {**found.metrics, "storage_octets": max(stored, before.get("storage_octets", 0))}
            for metric, amount in now.items():
                moved = counted_since(before.get(metric, 0), amount, anew=anew and metric in _OF_DOVECOT)
                if moved:
                    samples.append(UsageSample(found.service_ref, metric, moved))
            seen[name] = now
        if counted.marks:
            seen[_MARK] = mark if mark in counted.marks else min(counted.marks)
        return UsageReading(tuple(samples), seen)

    def health(self) -> Health:
        started = time.monotonic()
        control, words = True, []
        address, password = self.canary()
        try:
            self.keep_canary(address, password)
            if self.doveadm is not None:
                self.doveadm.sessions(address)
        except DriverError as error:
            control = False
            words.append(f"control: {error}")
        fault = self.plane.round_trip(address, password, f"boss-health-{secrets.token_hex(8)}")
        if fault:
            words.append(f"mail: {fault}")
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=not fault, detail="; ".join(words), milliseconds=took)

    # What a subclass knows.

    @abstractmethod
    def counters(self) -> Counted:
        """What every mailbox of a service has counted so far."""

    @abstractmethod
    def keep_canary(self, address: str, password: str) -> None:
        """Make sure that the mailbox for probe mail is there, open, with this password."""

    @abstractmethod
    def _secret(self) -> str:
        """The secret with which BOSS comes to this server."""

    # What is the same.

    @cached_property
    def plane(self) -> Plane:
        given = self.connection.settings
        doors = ("smtp", "submission", "imap", "pop")
        return Plane(
            str(given["mail_host"]),
            {door: int(given[f"{door}_port"]) for door in doors if given.get(f"{door}_port")},
            tls=given.get("tls") != "none",
            deadline=self.deadline,
            networks=self.connection.networks,
        )

    def _derived(self, purpose: str) -> str:
        """A password for BOSS's own mailboxes: the same every time, known to nobody who has not the binding."""
        return hmac.digest(self._secret().encode(), purpose.encode(), hashlib.sha256).hex()[:32]

    def sessions_of(self, address: str) -> int:
        return self.doveadm.sessions(address) if self.doveadm is not None else 0

    def all_sessions(self) -> Counter[str]:
        """How many sessions every mailbox has open; those without any count zero."""
        return self.doveadm.all_sessions() if self.doveadm is not None else Counter()

    def canary(self) -> tuple[str, str]:
        """Address and password of the mailbox that health sends mail to."""
        address = f"boss-canary@{(self.domains or ('invalid',))[0]}"
        return address, self._derived(f"canary {address}")

    @staticmethod
    def wanted_of(desired: Desired, held: Mapping[str, Any] | None) -> dict[str, Any]:
        """All attributes a mailbox shall have: those asked for, else those it has, else the usual ones."""
        usual: dict[str, Any] = {"aliases": [], "forward": [], "autoreply": None, "daily_send_limit": None}
        return {**usual, **(held or {}), **mailboxes.normal(desired.attributes)}

    @staticmethod
    def closed_by(desired: Desired, before: Iterable[str]) -> bool:
        """Whether a door is shut by this change that sessions may have come in through."""
        after = mailboxes.open_doors(desired.restriction, desired.switched_off)
        return bool({"imap", "pop"} & (set(before) - after))
