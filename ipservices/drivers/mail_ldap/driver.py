"""A mail product that is run from an LDAP directory: only the directory, and perhaps doveadm, are in our reach.

The attributes are those that products of the iRedMail kind read. The entry says which services are enabled; why one is
not (the operator's suspension, the owner's own switch) stands in marks beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices.contracts import Conflict, Connection, Desired, Held, Observed, Restriction, Transient
from ipservices.drivers.mail_ldap.directory import Directory, below, condition
from ipservices.mailing import crypt, driver, mailboxes
from ipservices.mailing.driver import CANARY_REF, Counted, Counters, MailDriver

CLASSES = ("inetOrgPerson", "mailUser")
SERVICES = {"imap": "imap", "pop": "pop3", "submit": "smtp", "deliver": "deliver"}
"""The doors by the names they have in ``enabledService``."""
FORWARD = "forward"
_MARK = "boss:"
_CRYPT = "{CRYPT}"
_MB = 1024 * 1024
_MOST_AT_ONCE = 100
"""Addresses in one search."""


class LdapMailDriver(MailDriver):
    key = "mail_ldap"
    title = _("Mail product with an LDAP directory")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("ldap_host", label=_("Directory host"), required=True, max_length=253),
        Characteristic("ldap_port", "integer", label=_("Directory port"), default=636, minimum=1, maximum=65535),
        Characteristic("ldap_tls", "choice", label=_("Directory encryption"), default="ldaps", choices=(
            ("ldaps", _("TLS from the start")), ("starttls", _("StartTLS")),
            ("none", _("none (allowed networks only)")))),
        Characteristic("bind_dn", label=_("Account (DN)"), required=True, max_length=300),
        Characteristic("base", label=_("Where mailboxes are (DN)"), required=True, max_length=300),
        Characteristic("mail_root", label=_("Directory of the mail"), default="/var/vmail", max_length=200,
                       help=_("on the mail server; each mailbox gets a place of its own below it")),
        Characteristic("id_attribute", label=_("Attribute for BOSS's service id"), default="employeeNumber"),
        Characteristic("marks_attribute", label=_("Attribute for BOSS's marks"), default="description",
                       help=_("with several values; those of others are left alone")),
        Characteristic("doveadm_url", label=driver.DOVEADM_URL,
                       help=_("Nothing here: open sessions cannot be ended, and usage is not read.")),
        *driver.SETTINGS,
    )  # fmt: skip
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("ldap_password", "secret", label=_("Directory password"), required=True),
        Characteristic("doveadm_key", "secret", label=driver.DOVEADM_KEY),
        driver.WEBMAIL_KEY,
    )
    attributes = frozenset({"address", "quota_mb", "aliases", "forward"})

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        given = connection.settings
        self._base = str(given["base"])
        self._id = str(given.get("id_attribute") or "employeeNumber")
        self._marks = str(given.get("marks_attribute") or "description")
        self._directory = Directory(
            given,
            connection.secrets.get("ldap_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )

    def close(self) -> None:
        super().close()
        self._directory.close()

    def lock_key(self, desired: Desired) -> str:
        # A directory knows no unique aliases: who else has one is looked up first, so nobody may come in between.
        return "aliases"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        entry = self._read(mailboxes.address(desired.name))
        former = [door for door, service in SERVICES.items() if service in (entry or {}).get("enabledService", [])]
        new_password = entry is not None and desired.secrets and not _is_password_of(desired, entry)
        self._write(desired, entry)
        if new_password or self.closed_by(desired, former):
            self.cut_sessions(desired)

    def _write(self, desired: Desired, entry: Mapping[str, list[str]] | None) -> None:
        address = mailboxes.address(desired.name)
        if entry is not None and self._first(entry, self._id) != desired.service_ref:
            raise Conflict(f"{address} belongs to {self._first(entry, self._id) or 'nobody BOSS knows'}", name=address)
        held = None if entry is None else _neutral(entry)
        wanted = self.wanted_of(desired, held)
        self._refuse_taken(address, wanted["aliases"])
        values = self._values(desired, wanted, entry or {})
        dn = below(self._base, "mail", address)
        if entry is not None:
            self._directory.replace(dn, values)
            return
        home = self._place(desired)
        given = {name: list(value) for name, value in values.items() if value}
        new = {
            "objectClass": list(CLASSES),
            "mail": [address],
            "cn": [address],
            "sn": [address],
            "homeDirectory": [home],
        }
        if not self._directory.add(dn, {**new, **given, self._id: [desired.service_ref]}):
            raise Transient(f"{address} was made by somebody in this moment", outcome_unknown=True)

    def _values(
        self, desired: Desired, wanted: Mapping[str, Any], entry: Mapping[str, list[str]]
    ) -> dict[str, list[str]]:
        doors = mailboxes.open_doors(desired.restriction, desired.switched_off)
        enabled = sorted(SERVICES[door] for door in doors) + [FORWARD] * bool(wanted["forward"])
        others = desired.native.get("others") if desired.exact else None
        if others is None:
            others = [mark for mark in entry.get(self._marks, []) if not mark.startswith(_MARK)]
        marks = [f"{_MARK} restriction={desired.restriction}"] * (desired.restriction is not Restriction.NONE)
        marks += [f"{_MARK} off={switch}" for switch in sorted(desired.switched_off)]
        return {
            "accountStatus": ["active"],
            "enabledService": enabled or ["none"],
            "mailQuota": [str(wanted["quota_mb"] * _MB)],
            "shadowAddress": list(wanted["aliases"]),
            "mailForwardingAddress": list(wanted["forward"]),
            "userPassword": self._password(desired, entry),
            self._marks: [*others, *marks],
        }

    @staticmethod
    def _password(desired: Desired, entry: Mapping[str, list[str]]) -> list[str]:
        if desired.exact and "password" in desired.native:
            return list(desired.native["password"])
        if not desired.secrets.get("password") or _is_password_of(desired, entry):
            return list(entry.get("userPassword", []))
        return [_CRYPT + crypt.sha512_crypt(desired.secrets["password"])]

    def _place(self, desired: Desired) -> str:
        """The service's id is in it: who gets an address later never sees the former owner's mail."""
        local, _at, domain = mailboxes.address(desired.name).partition("@")
        root = str(self.connection.settings.get("mail_root") or "/var/vmail").rstrip("/")
        return f"{root}/{domain}/{local}/{desired.service_ref}"

    def _refuse_taken(self, address: str, aliases: list[str]) -> None:
        for name in [address, *aliases]:
            asked = f"(|{condition('mail', name)}{condition('shadowAddress', name)})"
            for _dn, found in self._directory.search(self._base, asked, ["mail"]):
                if found["mail"] != [address]:
                    raise Conflict(f"{name} is taken by {found['mail'][0]}", name=name)

    def remove(self, desired: Desired, *, key: str) -> None:
        address = mailboxes.address(desired.name)
        entry = self._read(address)
        if entry is None:
            return
        if self._first(entry, self._id) != desired.service_ref:
            raise Conflict(f"{address} belongs to {self._first(entry, self._id)}", name=address)
        self._directory.delete(below(self._base, "mail", address))
        self.cut_sessions(desired)

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        address = mailboxes.address(desired.name)
        entry = self._read(address)
        if entry is None:
            return None
        return self._observed(desired.name, entry, sessions=self.sessions_of(address))

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        for place in range(0, len(desireds), _MOST_AT_ONCE):
            part = desireds[place : place + _MOST_AT_ONCE]
            self.deadline.restart()
            named = [mailboxes.address(desired.name) for desired in part]
            found, sessions = self._read_many(named), self.all_sessions()
            for desired, address in zip(part, named, strict=True):
                entry = found.get(address)
                yield None if entry is None else self._observed(desired.name, entry, sessions=sessions[address])

    def _observed(self, name: str, entry: Mapping[str, list[str]], *, sessions: int) -> Observed:
        marks = [mark.removeprefix(_MARK).strip() for mark in entry.get(self._marks, []) if mark.startswith(_MARK)]
        said = [mark.partition("=") for mark in marks]
        levels = [value for key, _is, value in said if key == "restriction" and value in list(Restriction)]
        restriction = Restriction(levels[0]) if levels else Restriction.NONE
        off = frozenset(value for key, _is, value in said if key == "off")
        return Observed(
            service_ref=self._first(entry, self._id),
            family="mail",
            kind="mailbox",
            name=name,
            attributes=_neutral(entry),
            restriction=restriction,
            switched_off=off | _leaks(entry, mailboxes.open_doors(restriction, off)),
            native={
                "password": list(entry.get("userPassword", [])),
                "others": [mark for mark in entry.get(self._marks, []) if not mark.startswith(_MARK)],
            },
            sessions=sessions,
        )

    def _read(self, address: str) -> dict[str, list[str]] | None:
        return self._read_many([address]).get(address)

    def _read_many(self, addresses: Sequence[str]) -> dict[str, dict[str, list[str]]]:
        wanted = ["mail", "accountStatus", "enabledService", "mailQuota", "shadowAddress", "mailForwardingAddress"]
        either = "".join(condition("mail", address) for address in addresses)
        asked = f"(&(objectClass=mailUser)(|{either}))"
        rows = self._directory.search(self._base, asked, [*wanted, "userPassword", self._id, self._marks])
        return {entry["mail"][0].lower(): entry for _dn, entry in reversed(rows)}

    @staticmethod
    def _first(entry: Mapping[str, list[str]], name: str) -> str:
        return (entry.get(name) or [""])[0]

    def list_all(self) -> Iterable[Held]:
        return [Held(ref, "mailbox", address) for address, ref in self._services().items()]

    def _services(self) -> dict[str, str]:
        """The service of every mailbox that has one, by address."""
        rows = self._directory.search(self._base, f"(&(objectClass=mailUser)({self._id}=*))", ["mail", self._id])
        found = {entry["mail"][0]: self._first(entry, self._id) for _dn, entry in rows}
        return {address: ref for address, ref in sorted(found.items()) if ref != CANARY_REF}

    def counters(self) -> Counted:
        if self.doveadm is None:
            return Counted({})
        stored, delivered = self.doveadm.storage(), self.doveadm.deliveries()
        mailboxes = {
            f"{ref} {address}": Counters(
                ref, {"messages_in": delivered.by_user.get(address, 0), "storage_octets": stored.get(address, 0)}
            )
            for address, ref in self._services().items()
        }
        return Counted(mailboxes, delivered.marks)

    def keep_canary(self, address: str, password: str) -> None:
        attributes = {"address": address, "quota_mb": 10}
        wanted = Desired(CANARY_REF, "mail", "mailbox", address, attributes, secrets={"password": password})
        entry = self._read(address)
        is_open = entry is not None and not _leaks(entry, frozenset(mailboxes.DOORS))
        if entry is None or not is_open or not _is_password_of(wanted, entry):
            self._write(wanted, entry)

    def _secret(self) -> str:
        return self.connection.secrets.get("ldap_password", "")


def _neutral(entry: Mapping[str, list[str]]) -> dict[str, Any]:
    quota = (entry.get("mailQuota") or ["0"])[0]
    return {
        "address": entry["mail"][0].lower(),
        "quota_mb": int(quota) // _MB if quota.isdigit() else 0,
        "aliases": sorted(entry.get("shadowAddress", [])),
        "forward": sorted(entry.get("mailForwardingAddress", [])),
    }


def _leaks(entry: Mapping[str, list[str]], doors: frozenset[str]) -> frozenset[str]:
    """Where what is enabled is not what the marks say: somebody has been there."""
    enabled = set(entry.get("enabledService", []))
    found = {f"{door} is open" for door, service in SERVICES.items() if service in enabled and door not in doors}
    found |= {f"{door} is shut" for door, service in SERVICES.items() if service not in enabled and door in doors}
    if entry.get("accountStatus") != ["active"]:
        found.add("the account is not active")
    return frozenset(found)


def _is_password_of(desired: Desired, entry: Mapping[str, list[str]]) -> bool:
    password = desired.secrets.get("password", "")
    return any(crypt.matches(password, value.removeprefix(_CRYPT)) for value in entry.get("userPassword", []))
