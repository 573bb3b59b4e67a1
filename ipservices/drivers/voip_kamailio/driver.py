"""Kamailio (5.6) with its lines in PostgreSQL and its live calls behind JSON-RPC. What it does wrong: the README.

One kind, ``voip.line``: a row of ``subscriber`` named as the number without its plus, and an alias for the number. The
server reads the row at each log-in and each call, so a change holds at once; registrations and calls that are there
already are ended by RPC, the record of a call first (the server would write none).
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
from ipservices.drivers.voip_kamailio import lines, sip
from ipservices.drivers.voip_kamailio.calls import Calls, Rpc
from ipservices.drivers.voip_kamailio.lines import NUMBER, Line, Rules
from ipservices.drivers.voip_kamailio.tables import Tables
from ipservices.families import kinds
from ipservices.transport import HttpTransport, reachable_address

EMERGENCY = "112 911"
_SECONDS_TO_ANSWER = 2.5
_TRIAL_NUMBER = "+99900000001"  # a country code that nobody has
_DIGITS = re.compile(r"[0-9]{1,15}")
_LONGEST = {"display_name": 64, "forward_to": 64, "device": 128}


class KamailioDriver(Driver):
    key = "voip_kamailio"
    title = _("Kamailio with PostgreSQL")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        *sql.settings(database="kamailio"),
        Characteristic(
            "domain", "hostname", label=_("SIP domain"), required=True, help=_("Telephones log in as number@domain.")
        ),
        Characteristic("sip_host", label=_("SIP server address"), required=True, max_length=253),
        Characteristic("sip_port", "integer", label=_("SIP port"), default=5060, minimum=1, maximum=65535),
        Characteristic(
            "rpc_url", label=_("JSON-RPC address"), required=True, help=_("for instance http://192.0.2.5:8080")
        ),
        Characteristic(
            "country_code", label=_("Country code"), default="1", max_length=4,
            help=_("Calls to another country are what the bar on calls abroad refuses."),
        ),
        Characteristic(
            "premium_prefixes", label=_("Premium numbers"), default="1900 1976", max_length=200,
            help=_("How they begin, with the country code and without a plus; several with spaces between."),
        ),
        Characteristic(
            "emergency_numbers", label=_("Emergency numbers"), default=EMERGENCY, max_length=100,
            help=_("What a line with outgoing calls barred may still call; several with spaces between."),
        ),
    )  # fmt: skip
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        sql.secret(),
        Characteristic("rpc_token", "secret", label=_("JSON-RPC token"), required=True),
    )

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        given = connection.settings
        self._domain = str(given["domain"]).lower()
        self._rules = Rules(
            country=str(given.get("country_code") or "1"),
            premium=tuple(str(given.get("premium_prefixes", "1900 1976") or "").split()),
            emergency=tuple(str(given.get("emergency_numbers") or EMERGENCY).split()),
        )
        self._sql = sql.SqlTransport(
            {"sql_database": "kamailio", **given},
            connection.secrets.get("sql_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )
        self._http = HttpTransport(
            str(given["rpc_url"]),
            headers={"X-API-Key": connection.secrets.get("rpc_token", "")},
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )
        self._rpc = Rpc(self._http)
        self._tables = Tables(self._sql, self._domain, self._rules)
        self._calls = Calls(self._rpc, self._sql)

    def close(self) -> None:
        self._sql.close()
        self._http.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"voip.line"}),
            restrictions=frozenset({Restriction.NONE, Restriction.OUTGOING_BARRED, Restriction.BLOCKED}),
            cuts_sessions=True,
            usage=True,
            safety=Safety.READBACK,
        )

    def validate(self, desired: Desired) -> None:
        if desired.full_kind not in self.capabilities().kinds:
            raise Invalid(f"Kamailio does not provide {desired.full_kind}")
        wrong: dict[str, list[str]] = {}
        said, kind = desired.attributes, kinds.get(desired.full_kind)
        if not NUMBER.fullmatch(desired.name):
            wrong["name"] = [f"{desired.name!r} is not a number with country code, such as +15550100"]
        if said.get("number") != desired.name:
            wrong["number"] = [f"{said.get('number')!r} is not the number of the line, {desired.name!r}"]
        for key in set(said) - {*kind.required, *kind.optional}:
            wrong[key] = ["nothing is known of this"]
        for key, value in said.items():
            try:
                spelled = lines.normal({key: value}, desired.name)[key]
            except (ValueError, TypeError) as error:
                wrong[key] = [str(error)]
                continue
            if key in ("channels", "international_minutes") and not 0 <= spelled < 2**31:
                wrong[key] = [f"{spelled} is out of range"]
            if key in _LONGEST and len(spelled) > _LONGEST[key]:
                wrong[key] = [f"longer than {_LONGEST[key]}"]
            if key == "barring" and not set(spelled) <= set(lines.CLASSES):
                wrong[key] = [f"only {' and '.join(lines.CLASSES)} can be barred"]
        if not all(_DIGITS.fullmatch(part) for part in (self._rules.country, *self._rules.premium, *self._emergency)):
            wrong["binding"] = ["the numbers in the binding's settings may have digits only"]
        if desired.switched_off - set(lines.SWITCHES):
            wrong["switched_off"] = [f"only {' and '.join(lines.SWITCHES)} can be switched"]
        if any(not secret or len(secret) > 128 for secret in desired.secrets.values()):
            wrong["password"] = ["a password has 1 to 128 characters"]
        if wrong:
            raise Invalid("; ".join(word for words in wrong.values() for word in words), fields=wrong)

    def lock_key(self, desired: Desired) -> str:
        return f"line:{lines.user_of(desired.name)}@{self._domain}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        new_password = self._tables.write(desired, self.capabilities().nearest(desired.restriction))
        if new_password:
            # A telephone with the former password would go on being called until its registration runs out.
            self._calls.log_out(self._aor(desired))

    def remove(self, desired: Desired, *, key: str) -> None:
        self._tables.remove(desired)
        # Who logged in or called between the last cut and the removal; also when an earlier attempt removed the line.
        self._cut(desired, Restriction.BLOCKED)

    def cut_sessions(self, desired: Desired) -> int:
        return self._cut(desired, self.capabilities().nearest(desired.restriction))

    def _cut(self, desired: Desired, restriction: Restriction) -> int:
        """End what may not go on. Emergency calls always may; with outgoing calls barred, incoming ones too."""
        aor = self._aor(desired)
        only_own = restriction is Restriction.OUTGOING_BARRED
        if not only_own:
            self._calls.log_out(aor)
        ended = 0
        for call in self._calls.of(aor):
            if not only_own or call.caller == aor:
                ended += self._calls.cut(call)
        return ended

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        line = self._tables.read(desired.name)
        return None if line is None else self._observed(desired, line, len(self._calls.of(self._aor(desired))))

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        for part in sql.parts(desireds):
            self.deadline.restart()
            found, quiet = self._tables.read_many([desired.name for desired in part]), self._calls.is_quiet()
            for desired in part:
                line = found.get(desired.name)
                if line is None:
                    yield None
                    continue
                yield self._observed(desired, line, 0 if quiet else len(self._calls.of(self._aor(desired))))

    def _observed(self, desired: Desired, line: Line, calls: int) -> Observed:
        attributes, restriction, off = lines.words_of(line, desired.name, self._rules)
        return Observed(
            service_ref=line.service_ref,
            family="voip",
            kind="line",
            name=desired.name,
            attributes=attributes,
            restriction=restriction,
            switched_off=off,
            native=line.as_native(),
            sessions=calls,
        )

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        wanted = replace(desired, attributes=lines.normal(desired.attributes, desired.name))
        if observed is None:
            return super().compare(wanted, observed)
        differences: tuple[Difference, ...] = ()
        if desired.exact:
            # The former state may lack its number, or bar what this binding would not.
            wanted = replace(wanted, attributes=desired.attributes)
            if desired.native and desired.native != observed.native:
                differences = (Difference("former state", "as it was", "another"),)
        elif observed.native.get("emergency") != self._rules.emergency_pattern:
            found = str(observed.native.get("emergency")).replace("|", " ")
            differences = (Difference("emergency_numbers", " ".join(self._emergency), found),)
        return super().compare(wanted, observed) + differences

    def list_all(self) -> Iterable[Held]:
        return self._tables.held()

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        return self._tables.held_after(place, most)

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        return self._tables.usage(cursor)

    def health(self) -> Health:
        started = time.monotonic()
        control, service, words = True, False, list[str]()
        for name, ask in (("database", self._tables.ping), ("JSON-RPC", lambda: self._rpc.ask("core.uptime"))):
            try:
                ask()
            except DriverError as error:
                control = False
                words.append(f"{name}: {error}")
        try:
            status = self._phone().options()
            service = status == 200
            if not service:
                words.append(f"SIP: the server answers {status}")
        except (sip.NoReply, DriverError) as error:
            words.append(f"SIP: {error}")
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=service, detail="; ".join(words), milliseconds=took)

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        attributes = {
            "number": _TRIAL_NUMBER,
            "display_name": f"BOSS trial {number}",
            "channels": 2 + number % 3,
            "barring": ["premium"] if number % 2 else [],
            "voicemail": bool(number % 2),
        }
        # A line that really can log in: nobody else may know the password, and every instance must.
        key = self.connection.secrets.get("sql_password", "").encode()
        password = hmac.digest(key, b"boss-trial", "sha256").hex()
        return Desired(TRIAL_REF, "voip", "line", _TRIAL_NUMBER, attributes, secrets={"password": password})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """A log-in, taken back at once; for outgoing calls one to a name that no line has. Voicemail is elsewhere."""
        password = desired.secrets.get("password")
        if not password or switch not in ("", "outgoing"):
            return None
        user, started = lines.user_of(desired.name), time.monotonic()
        phone, asked = self._phone(), {"sip": "INVITE" if switch else "REGISTER", "line": self._aor(desired)}
        try:
            status = (phone.may_call if switch else phone.register)(user, self._domain, password)
        except sip.NoReply as error:
            self.note(asked, {"error": str(error)}, started)
            raise Unreachable(str(error)) from error
        self.note(asked, {"status": status}, started)
        return status == (404 if switch else 200)

    def _phone(self) -> sip.Phone:
        host = str(self.connection.settings["sip_host"])
        address = reachable_address(host, self.connection.networks, seconds=self.deadline.left)
        seconds = min(_SECONDS_TO_ANSWER, self.deadline.left)
        return sip.Phone(address, int(self.connection.settings.get("sip_port") or 5060), seconds)

    def _aor(self, desired: Desired) -> str:
        return f"{lines.user_of(desired.name)}@{self._domain}"

    @property
    def _emergency(self) -> tuple[str, ...]:
        return self._rules.emergency
