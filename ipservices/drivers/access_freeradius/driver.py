"""FreeRADIUS (3.2) whose users stand in PostgreSQL: tables for who may, RFC 5176 for who already is.

One kind, ``access.account``: a user of ``radcheck``, ``radreply`` and ``radusergroup``, changed in one transaction.
A speed is a group made when first needed (``boss-300-20``). The service id is the user's ``Class``, which access
devices send back in accounting. What the server does wrong is written in the README.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices import sql
from ipservices.contracts import (
    TRIAL_REF,
    Capabilities,
    Connection,
    Desired,
    Difference,
    Driver,
    DriverError,
    Health,
    Held,
    Invalid,
    Observed,
    Restriction,
    Safety,
    Unreachable,
    UsageReading,
)
from ipservices.drivers.access_freeradius import accounts, radius
from ipservices.drivers.access_freeradius.accounts import Account, Groups
from ipservices.drivers.access_freeradius.radius import Code
from ipservices.drivers.access_freeradius.sessions import Sessions
from ipservices.drivers.access_freeradius.tables import CANARY, PROBE, Tables
from ipservices.families import kinds
from ipservices.transport import reachable_address

_RATE = "Mikrotik-Rate-Limit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+:/-]{0,127}")
_GROUP_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_SECONDS_TO_ANSWER = 2.5


class FreeRadiusDriver(Driver):
    key = "access_freeradius"
    title = _("FreeRADIUS with PostgreSQL")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        *sql.settings(database="radius"),
        Characteristic("radius_host", label=_("RADIUS server address"), required=True, max_length=253),
        Characteristic("auth_port", "integer", label=_("Authentication port"), default=1812, minimum=1, maximum=65535),
        Characteristic(
            "status_port", "integer", label=_("Status port"), minimum=1, maximum=65535,
            help=_("Where Status-Server is answered. Blank: the authentication port."),
        ),
        Characteristic(
            "coa_port", "integer", label=_("Port for changes at access devices"), default=3799, minimum=1,
            maximum=65535, help=_("Changes and disconnects of live sessions (RFC 5176)."),
        ),
        Characteristic(
            "coa_host", label=_("Proxy for changes"), max_length=253,
            help=_("Blank: each access device is asked at its own address."),
        ),
        Characteristic(
            "interim_seconds", "integer", label=_("Accounting interval"), default=300, minimum=60, maximum=86400,
            unit="s",
        ),
        Characteristic("blocked_group", label=_("Group of blocked users"), default="disabled", max_length=64),
        Characteristic("walled_group", label=_("Group of users in the walled garden"), default="walled", max_length=64),
    )  # fmt: skip
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        sql.secret(),
        Characteristic(
            "radius_secret", "secret", label=_("Shared secret of BOSS at the server"), required=True,
            help=_("BOSS logs in as a client to see whether the service works."),
        ),
        Characteristic(
            "coa_secret", "secret", label=_("Shared secret for changes at access devices"),
            help=_("For devices that the server's own table of devices does not name."),
        ),
    )  # fmt: skip

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        given = connection.settings
        self._groups = Groups(
            blocked=str(given.get("blocked_group") or "disabled"),
            walled=str(given.get("walled_group") or "walled"),
            interim_seconds=int(given.get("interim_seconds") or 300),
        )
        self._sql = sql.SqlTransport(
            given,
            connection.secrets.get("sql_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )
        self._tables = Tables(self._sql, self._groups)
        self._sessions = Sessions(connection, self._sql, deadline=self.deadline, note=self.note)

    def close(self) -> None:
        self._sql.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"access.account"}),
            restrictions=frozenset({Restriction.NONE, Restriction.WALLED, Restriction.BLOCKED}),
            cuts_sessions=True,
            usage=True,
            safety=Safety.READBACK,
        )

    def validate(self, desired: Desired) -> None:
        if desired.full_kind not in self.capabilities().kinds:
            raise Invalid(f"FreeRADIUS does not provide {desired.full_kind}")
        said, wrong = desired.attributes, dict[str, list[str]]()
        if not _NAME.fullmatch(desired.name) or desired.name == CANARY:
            wrong["name"] = [f"{desired.name!r} cannot be a user name"]
        if said.get("login") != desired.name:
            wrong["login"] = [f"{said.get('login')!r} is not the name of the account, {desired.name!r}"]
        kind = kinds.get(desired.full_kind)
        wrong |= {
            key: ["nothing is known of this"] for key in set(said) - {*kind.required, *kind.optional} - {"others"}
        }
        for key in ("down_mbps", "up_mbps", "cap_gb", "static_address", "delegated_prefix", "vlan", "simultaneous"):
            try:
                spelled = accounts.normal({key: said.get(key)}, desired.name)[key]
            except (ValueError, TypeError) as error:
                wrong[key] = [str(error)]
                continue
            least = 0.001 if key in ("down_mbps", "up_mbps") else 0
            if isinstance(spelled, int | float) and spelled < least:
                wrong[key] = [f"{spelled} is too little"]
        for key in ("service_class", "extras"):
            value = said.get(key) or []
            for part in [value] if isinstance(value, str) else value:
                if not _GROUP_PART.fullmatch(str(part)):
                    wrong[key] = [f"{part!r} cannot be part of a group's name"]
        if any(not secret or len(secret.encode()) > 128 for secret in desired.secrets.values()):
            wrong["password"] = ["a password has 1 to 128 bytes"]
        if wrong:
            raise Invalid("; ".join(word for words in wrong.values() for word in words), fields=wrong)

    def lock_key(self, desired: Desired) -> str:
        return f"user:{desired.name}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        duty = self._tables.write(desired)
        if duty == "coa":
            plan = accounts.group_rows(accounts.plan_name(desired.attributes), self._groups)
            self._sessions.tell(desired.name, desired.service_ref, plan)
            self._tables.all_told(desired.name)
        elif duty == "cut" and desired.restriction is Restriction.NONE:
            # Whoever is restricted is cut by the caller, at every attempt.
            self.cut_sessions(desired)

    def remove(self, desired: Desired, *, key: str) -> None:
        self._tables.remove(desired)
        # Who logged in between the last cut and the removal; asked for also when an earlier attempt removed the user.
        self._sessions.cut(desired.name, desired.service_ref)

    def cut_sessions(self, desired: Desired) -> int:
        cut = self._sessions.cut(desired.name, desired.service_ref)
        self._tables.all_told(desired.name)
        return cut

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        return self._observed(desired, self._tables.read(desired.name))

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        for part in sql.parts(desireds):
            self.deadline.restart()
            found = self._tables.read_many([desired.name for desired in part])
            yield from (self._observed(desired, found.get(desired.name)) for desired in part)

    def _observed(self, desired: Desired, account: Account | None) -> Observed | None:
        if account is None:
            return None
        words = accounts.words_of(account, desired.name, self._groups)
        return Observed(
            service_ref=account.service_ref,
            family="access",
            kind="account",
            name=desired.name,
            attributes={**words.attributes, **({"others": list(words.others)} if words.others else {})},
            restriction=words.restriction,
            switched_off=words.switched_off,
            native=account.as_native() | ({"due": account.due} if account.due else {}),
            sessions=account.sessions,
        )

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        wanted = replace(desired, attributes=accounts.normal(desired.attributes, desired.name))
        differences = super().compare(wanted, observed)
        if observed is None:
            return differences
        if not desired.exact and observed.attributes.get("others"):
            differences += (Difference("others", [], observed.attributes["others"]),)
        if observed.native.get("due"):
            differences += (Difference("sessions", "as the account is now", "not told yet"),)
        return differences

    def list_all(self) -> Iterable[Held]:
        return self._tables.held()

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        return self._tables.held_after(place, most)

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        return self._tables.usage(cursor)

    def health(self) -> Health:
        started = time.monotonic()
        control, service, words, password = True, False, list[str](), ""
        try:
            password = self._tables.canary()
        except DriverError as error:
            control = False
            words.append(f"database: {error}")
        try:
            service = self._serves(password)
            if not service:
                words.append("the server refuses a user that is in its database")
        except DriverError as error:
            words.append(f"RADIUS: {error}")
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=service, detail="; ".join(words), milliseconds=took)

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        attributes = {
            "login": "boss-trial",
            "down_mbps": 100 + number,
            "up_mbps": 20,
            "cap_gb": 500,
            "static_address": f"192.0.2.{number % 250 + 1}",
            "simultaneous": 2,
            "extras": ["game.boost"],
        }
        # A user that really can log in: nobody else may know the password, and every instance must.
        key = self.connection.secrets.get("sql_password", "").encode()
        password = hmac.digest(key, b"boss-trial", "sha256").hex()
        return Desired(TRIAL_REF, "access", "account", "boss-trial", attributes, secrets={"password": password})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """A log-in by PAP. Without the password, or with as many sessions as are allowed, nothing can be told."""
        password = desired.secrets.get("password")
        if not password:
            return None
        allowed = int(desired.attributes.get("simultaneous") or 0)
        present = self.observe(desired) if allowed else None
        if present is not None and present.sessions >= allowed:
            return None
        answer = self._log_in(desired.name, password)
        # Whoever is walled in is let in as well, but not at the speed that was sold.
        plan = dict(row[::2] for row in accounts.group_rows(accounts.plan_name(desired.attributes), self._groups))
        return answer.code == Code.ACCESS_ACCEPT and answer.get(_RATE) == plan[_RATE]

    # --- the service plane

    def _serves(self, password: str) -> bool:
        """The server is alive, and lets in a user that only its database knows."""
        self._ask(int(self.connection.settings.get("status_port") or self._auth_port), Code.STATUS_SERVER, [])
        return bool(password) and self._log_in(CANARY, password).code == Code.ACCESS_ACCEPT

    def _log_in(self, name: str, password: str) -> radius.Packet:
        attributes = [("User-Name", name), ("User-Password", password), ("NAS-Identifier", PROBE)]
        return self._ask(self._auth_port, Code.ACCESS_REQUEST, attributes)

    def _ask(self, port: int, code: Code, attributes: list[radius.Attribute]) -> radius.Packet:
        host = str(self.connection.settings["radius_host"])
        address = reachable_address(host, self.connection.networks, seconds=self.deadline.left)
        started = time.monotonic()
        shown = {key: value for key, value in attributes if key != "User-Password"}
        asked = {"radius": code.title, "to": f"{host}:{port}", "attributes": shown}
        secret = self.connection.secrets.get("radius_secret", "").encode()
        seconds = min(_SECONDS_TO_ANSWER, self.deadline.left)
        try:
            answer = radius.exchange(address, port, secret, code, attributes, seconds=seconds, pauses=(1.0, 1.5))
        except (radius.NoReply, radius.BadPacket) as error:
            self.note(asked, {"error": str(error)}, started)
            raise Unreachable(str(error)) from error
        self.note(asked, {"radius": Code(answer.code).title}, started)
        return answer

    @property
    def _auth_port(self) -> int:
        return int(self.connection.settings.get("auth_port") or 1812)
