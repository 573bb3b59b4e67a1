"""ISC Kea (2.2 and later): reservations in its PostgreSQL, control through its agent. Its lies are in the README.

One service is one row in ``hosts``, effective with the client's next packet and without a reload; the service id stands
in the row's ``user_context``. Who the client is may be unknown yet: then the row holds the address under an identifier
that no equipment sends, so that nobody else gets it, and what is read back says ``bound: false``.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices import sql
from ipservices.contracts import (
    TRIAL_REF,
    Capabilities,
    Conflict,
    Connection,
    Desired,
    Difference,
    Driver,
    DriverError,
    Health,
    Held,
    Invalid,
    LeaseReading,
    Network,
    Observed,
    Restriction,
    Safety,
    Transient,
    Unreachable,
    Unverified,
)
from ipservices.drivers.ip_kea import history, identifiers, networks, probe
from ipservices.drivers.ip_kea.control import Control
from ipservices.drivers.ip_kea.hosts import DROP, NAMESERVERS, NAMESERVERS_V6, ROUTERS, Hosts, Place, Reservation
from ipservices.drivers.ip_kea.networks import WALLED

_HOST_NAME = re.compile(r"(?i)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.?")
_KNOWN = ("address", "address_kind", "prefix", "hostname", "identifier", "bound")
_REVIVE_AFTER_SECONDS = 5


class KeaDriver(Driver):
    key = "ip_kea"
    title = _("ISC Kea DHCP")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("control_url", label=_("Control agent"), required=True, help=_("for instance http://192.0.2.67:8000")),
        Characteristic("control_user", label=_("User at the control agent"), required=True, max_length=60),
        *sql.settings(),
        Characteristic("dhcp_host", label=_("DHCP server address"), required=True,
                       help=_("where relays send requests to; BOSS asks there whether the server serves")),
        Characteristic("dhcp_port", "integer", label=_("DHCP port"), default=67, minimum=1, maximum=65535),
        Characteristic("dhcp6_host", label=_("DHCPv6 server address"), help=_("blank: this server has no DHCPv6")),
        Characteristic("dhcp6_port", "integer", label=_("DHCPv6 port"), default=547, minimum=1, maximum=65535),
        Characteristic("relays", label=_("Addresses of the relays"), help=_("several with spaces between")),
        Characteristic("nameservers", label=_("Name servers for clients"), help=_("addresses, with spaces between")),
        Characteristic("lease_seconds", "integer", label=_("Lease time"), default=3600, minimum=60, maximum=604800,
                       unit="s"),
        Characteristic("walled_router", label=_("Gateway of the walled garden")),
        Characteristic("walled_nameservers", label=_("Name servers of the walled garden"),
                       help=_("blank: who is to be walled in is blocked")),
        Characteristic("walled_seconds", "integer", label=_("Lease time in the walled garden"), default=120,
                       minimum=30, maximum=3600, unit="s"),
        Characteristic("test_network", label=_("Network of the test client"), default="198.18.0.0/24",
                       help=_("a network nobody uses; its first address is kept for BOSS's own test client")),
        Characteristic("test_network6", label=_("IPv6 network of the test client"), default="2001:db8:ffff::/48"),
    )  # fmt: skip
    secrets: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("control_password", "secret", label=_("Password at the control agent"), required=True),
        sql.secret(),
    )

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        given = connection.settings
        self._control = Control(
            str(given["control_url"]),
            str(given.get("control_user") or ""),
            connection.secrets.get("control_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )
        self._sql = sql.SqlTransport(
            given,
            connection.secrets.get("sql_password", ""),
            deadline=self.deadline,
            networks=connection.networks,
            note=self.note,
            owner=connection.owner,
        )

    def close(self) -> None:
        self._control.close()
        self._sql.close()

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset({"ip.assignment"}),
            restrictions=frozenset({Restriction.NONE, Restriction.WALLED, Restriction.BLOCKED}),
            cuts_sessions=True,
            networks=True,
            leases=True,
            safety=Safety.IDEMPOTENT,
        )

    def validate(self, desired: Desired) -> None:
        wrong: dict[str, list[str]] = {}
        if desired.full_kind not in self.capabilities().kinds:
            raise Invalid(f"Kea does not provide {desired.full_kind}")
        try:
            place = _place(desired.name)
        except ValueError as error:
            raise Invalid(str(error), fields={"name": [str(error)]}) from error
        if place.version == 6 and not self.connection.settings.get("dhcp6_host"):
            wrong["address"] = ["this server has no DHCPv6"]
        if not place.is_single and place.version == 4 and place.length > 30:
            wrong["address"] = ["a block has four addresses or more"]
        try:
            if _place(str(desired.attributes.get("address") or desired.name)) != place:
                wrong["address"] = ["the address and the name differ"]
        except ValueError as error:
            wrong["address"] = [str(error)]
        kind = desired.attributes.get("address_kind")
        if kind and kind != _kind_of(place):
            wrong["address_kind"] = [f"{place.name} is no {kind}"]
        hostname = str(desired.attributes.get("hostname") or "")
        if len(hostname) > 250 or (hostname and not _HOST_NAME.fullmatch(hostname)):
            wrong["hostname"] = [f"{hostname!r} is not a host name"]
        try:
            _identifier(desired, place)
        except ValueError as error:
            wrong["identifier"] = [str(error)]
        if wrong:
            raise Invalid("; ".join(message for messages in wrong.values() for message in messages), fields=wrong)

    def lock_key(self, desired: Desired) -> str:
        return f"address:{_place(desired.name).name}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        place = _place(desired.name)
        with self._sql.transaction() as cursor:
            hosts = Hosts(self._sql, cursor, place.version)
            hosts.hold(place)
            there = hosts.at(place)
            present = _own(there, desired.service_ref, place)
            subnet = present.subnet if present else int(desired.native.get("subnet") or 0)
            subnet = subnet or self._subnet_of(place)
            wanted = self._wanted(desired, place, present, subnet)
            hosts.write(place, wanted, present)
            if present is not None and present.identifier != wanted.identifier and (live := hosts.live_leases(place)):
                # Kea hands nobody an address that another holds: the former client would keep it until its lease ends.
                self._cut(place, live)

    def remove(self, desired: Desired, *, key: str) -> None:
        place = _place(desired.name)
        with self._sql.transaction() as cursor:
            hosts = Hosts(self._sql, cursor, place.version)
            hosts.hold(place)
            present = _own(hosts.at(place), desired.service_ref, place)
            if present is not None:
                hosts.delete(present)

    def cut_sessions(self, desired: Desired) -> int:
        """Take the lease away, so that the client's next renewal is not granted; until then it keeps the address."""
        place = _place(desired.name)
        with self._sql.transaction() as cursor:
            live = Hosts(self._sql, cursor, place.version).live_leases(place)
        return self._cut(place, live) if live else 0

    def _cut(self, place: Place, live: int) -> int:
        arguments: dict[str, Any] = {"ip-address": place.leased}
        if place.version == 6:
            arguments["type"] = "IA_NA" if place.is_single else "IA_PD"
        daemon = networks.daemon(place.version)
        return 0 if self._control.ask(daemon, f"lease{place.version}-del", arguments) is None else live

    def _subnet_of(self, place: Place) -> int:
        config = self._control.ask(networks.daemon(place.version), "config-get") or {}
        found = networks.subnet_of(config, place.leased, place.version)
        if found is None:
            raise Transient(f"the server has no subnet for {place.name} yet; BOSS publishes its networks by the clock")
        return found

    def _wanted(self, desired: Desired, place: Place, present: Reservation | None, subnet: int) -> Reservation:
        identifier, bound = _identifier(desired, place)
        if identifier is None and present is not None:
            identifier, bound = present.identifier, present.bound
        hostname = desired.attributes.get("hostname")
        level = self._level(desired.restriction)
        classes, options = self._closed(level, bool(desired.switched_off), place)
        marks = {
            "boss": desired.service_ref,
            "name": place.name,
            "bound": bound,
            "suspended": "" if level is Restriction.NONE else str(level),
            "off": sorted(desired.switched_off),
        }
        return Reservation(
            service_ref=desired.service_ref,
            identifier=identifier or identifiers.of_nobody(desired.service_ref, place.version),
            bound=bound,
            hostname=(present.hostname if present else "") if hostname is None else str(hostname),
            subnet=subnet,
            classes=classes,
            options=options,
            marks=marks,
            more=desired.native.get("more") or {},
        )

    def _level(self, restriction: Restriction) -> Restriction:
        """The level this very server enforces: without a walled garden, blocked."""
        level = self.capabilities().nearest(restriction)
        walled = str(self.connection.settings.get("walled_nameservers") or "")
        return Restriction.BLOCKED if level is Restriction.WALLED and not walled else level

    def _closed(self, level: Restriction, off: bool, place: Place) -> tuple[tuple[str, ...], dict[int, str]]:
        """Classes and options of a row. Per-host options beat the subnet's; those of a class do not."""
        if off or level is Restriction.BLOCKED:
            return (DROP,), {}
        if level is Restriction.NONE:
            return (), {}
        given = self.connection.settings
        servers = [
            one for one in str(given.get("walled_nameservers") or "").split()
            if ipaddress.ip_address(one).version == place.version
        ]  # fmt: skip
        code = NAMESERVERS if place.version == 4 else NAMESERVERS_V6
        options = {code: ", ".join(servers)} if servers else {}
        if place.version == 4 and given.get("walled_router"):
            options[ROUTERS] = str(given["walled_router"])
        return (WALLED,), options

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        place = _place(desired.name)
        with self._sql.transaction() as cursor:
            hosts = Hosts(self._sql, cursor, place.version)
            there = hosts.at(place)
            if not there:
                return None
            first = there[0]
            shut = hosts.shut(first.identifier)
            leases = hosts.live_leases(place)
        several = len({one.service_ref for one in there}) > 1
        restriction, off = self._restricted(first, shut, place)
        return Observed(
            service_ref="several" if several and first.service_ref else first.service_ref,
            family="ip",
            kind="assignment",
            name=place.name,
            attributes={
                "address": place.name,
                "address_kind": _kind_of(place),
                "prefix": place.length,
                "hostname": first.hostname,
                "identifier": str(first.identifier) if first.bound else "",
                "bound": first.bound,
            },
            restriction=restriction,
            switched_off=off,
            native={"subnet": first.subnet, "more": dict(first.more)},
            sessions=leases,
        )

    def _restricted(self, row: Reservation, shut: Sequence[str], place: Place) -> tuple[Restriction, frozenset[str]]:
        """What really holds, with the marks only to tell the operator's suspension from the owner's switch."""
        suspended = str(row.marks.get("suspended") or "")
        off = frozenset(str(one) for one in row.marks.get("off") or [])
        if DROP in row.classes and DROP in shut:
            if not suspended and not off:
                return Restriction.NONE, frozenset({"dead lease"})
            return Restriction(suspended or "none"), off
        if DROP in row.classes or (DROP in shut and not row.service_ref):
            return Restriction.NONE, frozenset()
        _classes, options = self._closed(Restriction.WALLED, False, place)
        walled = WALLED in row.classes and dict(row.options) == options and bool({WALLED, DROP} & set(shut))
        return (Restriction.WALLED if walled else Restriction.NONE), frozenset()

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        place = _place(desired.name)
        attributes = {key: desired.attributes[key] for key in _KNOWN if key in desired.attributes}
        attributes["address"] = place.name
        if "prefix" in attributes:
            attributes["prefix"] = int(attributes["prefix"] or place.length)
        if "hostname" in attributes:
            attributes["hostname"] = str(attributes["hostname"] or "")
        if "identifier" in attributes:
            identifier, bound = _identifier(desired, place)
            attributes["identifier"] = str(identifier) if identifier and bound else ""
        level = self._level(desired.restriction)
        return super().compare(replace(desired, attributes=attributes, restriction=level), observed)

    def list_all(self) -> Iterable[Held]:
        versions = (4, 6) if self.connection.settings.get("dhcp6_host") else (4,)
        with self._sql.transaction() as cursor:
            for version in versions:
                for context in Hosts(self._sql, cursor, version).ours():
                    yield Held(str(context["boss"]), "assignment", str(context.get("name") or ""))

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """Ask for the address in the client's name. None when it is not known who the client is."""
        place = _place(desired.name)
        identifier, bound = _identifier(desired, place)
        if identifier is None or not bound:
            return None
        tester = probe.Tester(self.connection, self.deadline)
        offer = tester.ask(place, identifier)
        if offer is None:
            if tester.ask(tester.place(place.version), probe.TEST_CLIENT) is None:
                raise Unreachable("the DHCP server answers nobody")
            return False
        walled = str(self.connection.settings.get("walled_nameservers") or "").split()
        inside = [one for one in walled if probe.nameservers_of(offer).count(one)]
        return offer.address == place.leased and not inside

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        place = probe.Tester(self.connection, self.deadline).place(4, 2)
        attributes = {
            "address": place.name,
            "address_kind": "address",
            "identifier": f"mac:02:b0:55:01:{number >> 8 & 255:02x}:{number & 255:02x}",
            "hostname": f"kit-{number}",
        }
        family, _dot, kind = full_kind.partition(".")
        return Desired(TRIAL_REF, family, kind, place.name, attributes)

    # --- health

    def health(self) -> Health:
        started = time.monotonic()
        words: list[str] = []
        versions = (4, 6) if self.connection.settings.get("dhcp6_host") else (4,)
        tester = probe.Tester(self.connection, self.deadline)
        control = True
        for version in versions:
            try:
                self._control.ask(networks.daemon(version), "version-get")
                self._keep_test_client(tester, version)
            except (DriverError, ValueError) as error:
                control = False
                words.append(f"control of {networks.daemon(version)}: {error}")
        service = True
        for version in versions:
            silent = self._silent(tester, version)
            if silent and control and self._revived(version):
                still = self._silent(tester, version)
                words.append(still or f"{networks.daemon(version)} served nobody; its configuration was loaded again")
                silent = still
            elif silent:
                words.append(silent)
            service = service and not silent
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=service, detail="; ".join(words), milliseconds=took)

    def _keep_test_client(self, tester: probe.Tester, version: int) -> None:
        with self._sql.transaction() as cursor:
            identifier = probe.TEST_CLIENT
            Hosts(self._sql, cursor, version).keep_test_client(tester.place(version), identifier, networks.TEST_NUMBER)

    @staticmethod
    def _silent(tester: probe.Tester, version: int) -> str:
        """Why the test client was not served; empty when it was."""
        try:
            if tester.ask(tester.place(version), probe.TEST_CLIENT) is not None:
                return ""
            return f"{networks.daemon(version)} offers the test client nothing"
        except (ValueError, DriverError) as error:
            return f"{networks.daemon(version)}: {error or type(error).__name__}"

    def _revived(self, version: int) -> bool:
        """After a refused configuration Kea says that it is ready and serves nobody; loading its file again helps."""
        daemon = networks.daemon(version)
        try:
            status = self._control.ask(daemon, "status-get") or {}
            if int(status.get("reload", 0)) < _REVIVE_AFTER_SECONDS:
                return False  # it was loaded a moment ago, and not for the first time by us
            self._control.ask(daemon, "config-reload")
        except (DriverError, ValueError):
            return False
        return True

    # --- networks and leases

    def publish_networks(self, given: Sequence[Network]) -> int:
        """Kea's own way: read, change, have it tested, set, write its file. A refused test changes nothing."""
        settings = self.connection.settings
        terms = networks.Terms(
            self.connection.realm_id,
            tuple(str(settings.get("relays") or "").split()),
            tuple(str(settings.get("nameservers") or "").split()),
            int(settings.get("lease_seconds") or 3600),
            int(settings.get("walled_seconds") or 120),
        )
        tester = probe.Tester(self.connection, self.deadline)
        count = 0
        for version in (4, 6) if settings.get("dhcp6_host") else (4,):
            test = Network(networks.TEST_NUMBER, str(tester.network(version)))
            count += self._publish(version, [*networks.of_version(given, version), test], terms)
        with self._sql.transaction() as cursor:
            history.install(self._sql, cursor)
        return count

    def _publish(self, version: int, given: Sequence[Network], terms: networks.Terms) -> int:
        daemon = networks.daemon(version)
        before = self._control.ask(daemon, "config-get") or {}
        wanted = networks.with_networks(before, given, terms, version)
        if networks.same(before, wanted, version):
            return 0
        self._control.ask(daemon, "config-test", wanted)
        try:
            self._control.ask(daemon, "config-set", wanted)
        except DriverError:
            self._control.ask(daemon, "config-reload")
            raise
        after = self._control.ask(daemon, "config-get") or {}
        if not networks.same(after, wanted, version):
            raise Unverified(f"{daemon} took the networks and does not show them")
        self._control.ask(daemon, "config-write")
        known = {int(one["id"]) for one in networks.subnets(before, version)}
        return max(1, sum(one.number not in known for one in given))

    def lease_events(self, cursor: Mapping[str, Any]) -> LeaseReading:
        with self._sql.transaction() as open_cursor:
            history.install(self._sql, open_cursor)
            return history.read(self._sql, open_cursor, cursor)


def _place(text: str) -> Place:
    """Raises ValueError."""
    return Place(ipaddress.ip_network(text.strip()))


def _kind_of(place: Place) -> str:
    if place.is_single:
        return "address"
    return "block" if place.version == 4 else "delegation"


def _identifier(desired: Desired, place: Place) -> tuple[identifiers.Identifier | None, bool]:
    """Who the client is by the desired state, and whether that is known. None: the desired state leaves it open.

    Raises ValueError.
    """
    given = desired.attributes.get("identifier")
    if given is None:
        return None, False
    if not str(given).strip():
        return identifiers.of_nobody(desired.service_ref, place.version), False
    return identifiers.parse(str(given), place.version), True


def _own(there: Sequence[Reservation], service_ref: str, place: Place) -> Reservation | None:
    """The service's own reservation. Raises Conflict when the place is anybody else's too."""
    for one in there:
        if one.service_ref != service_ref:
            raise Conflict(f"{place.name} is reserved for {one.service_ref or 'nobody BOSS knows'}", name=place.name)
    return there[0] if there else None
