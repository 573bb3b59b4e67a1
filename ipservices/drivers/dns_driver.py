"""What drivers of name servers have in common: the three kinds in neutral words, and asking as a subscriber asks.

``dns.zone`` is a subscriber's own zone. ``dns.host`` and ``dns.ptr`` are names in zones that many services share: a
host name with its addresses, and the reverse record of an address (the service's name is the address).
"""

from __future__ import annotations

import ipaddress
import re
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices import reverse
from ipservices.contracts import (
    TRIAL_REF,
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
    Unreachable,
)
from ipservices.drivers import dns_records as records
from ipservices.drivers.dns_pictures import Pictures
from ipservices.drivers.dns_records import RecordSet
from ipservices.transport import reachable_address

KINDS = frozenset({"dns.zone", "dns.host", "dns.ptr"})
_TYPES = {"host": ("A", "AAAA"), "ptr": ("PTR",)}
_LABEL = re.compile(r"^(?!-)[a-z0-9_/-]{1,63}(?<!-)$")


Picture = TypeVar("Picture")


class DnsDriver(Driver, Generic[Picture]):
    """A name server. What is left to do: ``apply``, ``remove``, ``observe``, ``list_all``, ``_prove_control``.

    For looking at many names of one zone at once a subclass says how it reads a zone whole (``_take_picture``) and
    what a name is in what it read (``_observed_in``).
    """

    names_worth_a_zone: int
    """Of how many names on it is cheaper to read the whole zone than to ask for each."""

    service_plane: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("dns_host", label=_("Name server address"), required=True),
        Characteristic("dns_port", "integer", label=_("Name server port"), default=53, minimum=1, maximum=65535),
    )
    names: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("zone", "hostname", label=_("Zone of the subscribers' host names")),
        Characteristic(
            "reverse_zones",
            label=_("Reverse zones"),
            help=_("for instance 113.0.203.in-addr.arpa, several with spaces between; their addresses get PTR records"),
        ),
        Characteristic("nameservers", label=_("Name servers of new zones"), help=_("several with spaces between")),
    )

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._pictures: Pictures[Picture] = Pictures()

    @abstractmethod
    def _take_picture(self, zone: str) -> Picture | None:
        """All names of a zone; None when the server does not hold it."""

    @abstractmethod
    def _observed_in(self, picture: Picture, desired: Desired) -> Observed | None:
        """A host name or a reverse record as it stands in the picture."""

    @abstractmethod
    def _prove_control(self) -> str:
        """Ask the control plane something. The zone whose SOA must be served, empty when there is none yet."""

    # --- the contract, as far as it is the same

    def validate(self, desired: Desired) -> None:
        wrong: dict[str, list[str]] = {}
        if desired.full_kind not in self.capabilities().kinds:
            raise Invalid(f"{self.title} does not provide {desired.full_kind}")
        if not desired.name:
            raise Invalid("the object has no name", fields={"name": ["a name is needed"]})
        if desired.kind == "ptr":
            self._validate_reverse(desired, wrong)
        else:
            for field, name in (("name", desired.name), ("zone", self._zone(desired))):
                if not is_domain_name(name):
                    wrong[field] = [f"{name!r} is not a domain name"]
        if desired.kind == "host" and not wrong and not self._node(desired).endswith(f".{self._zone(desired)}"):
            wrong["name"] = [f"{desired.name} is not in the zone {self._zone(desired)}"]
        if not wrong:
            self._validate_sets(desired, wrong)
        if wrong:
            raise Invalid("; ".join(message for messages in wrong.values() for message in messages), fields=wrong)

    def lock_key(self, desired: Desired) -> str:
        return f"zone:{self._zone(desired)}"

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        if desired.kind == "zone":
            attributes: dict[str, Any] = {
                "nameservers": self._nameservers(desired),
                "rrsets": self._wanted_sets(desired),
            }
        else:
            attributes = self._attributes(desired, self._wanted_sets(desired))
        return super().compare(replace(desired, attributes=attributes), observed)

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        not_before = time.monotonic() - max_age
        places = ["" if desired.kind == "zone" else self._zone(desired) for desired in desireds]
        names = Counter(places)
        for desired, zone in zip(desireds, places, strict=True):
            self.deadline.restart()
            few = names[zone] < self.names_worth_a_zone and not self._pictures.has(zone, not_before=not_before)
            if not zone or few:
                yield self.observe(desired)
                continue
            picture = self._pictures.get(zone, self._take_picture, not_before=not_before)
            yield None if picture is None else self._observed_in(picture, desired)

    def health(self) -> Health:
        started = time.monotonic()
        control, service, words, canary = True, False, [], ""
        try:
            canary = self._prove_control()
        except DriverError as error:
            control = False
            words.append(f"control: {error}")
        try:
            service = self._answers(canary)
            if not service:
                words.append(f"no authoritative answer for {canary}")
        except (OSError, dns.exception.DNSException, DriverError) as error:
            words.append(f"port {self.connection.settings.get('dns_port')}: {error or type(error).__name__}")
        took = round((time.monotonic() - started) * 1000)
        return Health(control=control, service=service, detail="; ".join(words), milliseconds=took)

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        zone = records.bare(self.connection.settings.get("zone") or "boss-trial.invalid")
        if full_kind == "dns.ptr":
            zones = self._reverse_zones()
            if not zones:
                raise Invalid("no reverse zones are set")
            address = reverse.last_address(zones[0])
            attributes: dict[str, Any] = {"address": address, "host_name": f"boss-trial-{number}.{zone}", "ttl": 300}
            return Desired(TRIAL_REF, "dns", "ptr", address, attributes)
        if full_kind == "dns.host":
            addresses = [f"198.51.100.{number}"] if number else ["203.0.113.7", "2001:db8::7"]
            attributes = {"zone": zone, "addresses": addresses, "ttl": 300}
            return Desired(TRIAL_REF, "dns", "host", f"boss-trial-host.{zone}", attributes)
        rrsets: list[dict[str, Any]] = [{"name": "www", "type": "A", "values": [f"198.51.100.{number}"]}]
        if not number:
            rrsets = [
                {"name": "www", "type": "A", "values": ["203.0.113.7"]},
                {"name": "@", "type": "MX", "ttl": 600, "values": [f"10 mx.{zone}"]},
                {"name": "@", "type": "TXT", "values": ['"v=spf1 -all"']},
            ]
        return Desired(TRIAL_REF, "dns", "zone", f"boss-trial.{zone}", {"rrsets": rrsets})

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """A query for the name, or for the record set that a switch of a zone names ("www A")."""
        if desired.kind == "zone":
            label, _space, kind = switch.rpartition(" ") if switch else ("@", "", "SOA")
            name = records.absolute(label, desired.name)
        else:
            wanted = self._wanted_sets(desired)
            name, kind = self._node(desired), wanted[0]["type"] if wanted else "A"
        try:
            reply = self._ask(name, kind)
        except (OSError, dns.exception.DNSException) as error:
            raise Unreachable(str(error) or type(error).__name__) from error
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)

    # --- the service plane

    def _answers(self, canary: str) -> bool:
        """A real question over UDP, as a subscriber's resolver asks it. Without a zone any reply will do."""
        reply = self._ask(canary or "boss-health.invalid", "SOA")
        if not canary:
            return True
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer) and bool(reply.flags & dns.flags.AA)

    def _ask(self, name: str, kind: str) -> dns.message.Message:
        host = reachable_address(str(self.connection.settings["dns_host"]), self.connection.networks)
        port = int(self.connection.settings.get("dns_port") or 53)
        question = dns.message.make_query(name, kind)
        return dns.query.udp(question, host, port=port, timeout=min(2.0, max(0.1, self.deadline.left)))

    # --- how the kinds look

    def _zone(self, desired: Desired) -> str:
        """The zone on the server in which the object stands; empty when there is none for it."""
        if desired.kind == "zone":
            return records.bare(desired.name)
        if desired.kind == "ptr":
            try:
                return reverse.reverse_zone(desired.name, self._reverse_zones())
            except ValueError:
                return ""
        return records.bare(desired.attributes.get("zone") or self.connection.settings.get("zone") or "")

    def _node(self, desired: Desired) -> str:
        """The name in the zone, without the final dot."""
        return reverse.reverse_name(desired.name) if desired.kind == "ptr" else records.bare(desired.name)

    @staticmethod
    def _types(desired: Desired) -> tuple[str, ...]:
        """The record types that belong to a name in a shared zone."""
        return _TYPES[desired.kind]

    def _reverse_zones(self) -> list[str]:
        return [records.bare(zone) for zone in str(self.connection.settings.get("reverse_zones") or "").split()]

    def _nameservers(self, desired: Desired) -> list[str]:
        given = desired.attributes.get("nameservers") if desired.kind == "zone" else None
        usual = str(self.connection.settings.get("nameservers") or "").split()
        chosen = given or usual or [f"ns1.{self._zone(desired)}"]
        return sorted(records.bare(name) for name in chosen)

    def _wanted_sets(self, desired: Desired) -> list[RecordSet]:
        """The record sets in normal spelling. Raises ValueError, KeyError or TypeError for what is none."""
        if desired.kind == "zone":
            return records.normal_rrsets(list(desired.attributes.get("rrsets") or []))
        if desired.kind == "ptr":
            values = {"PTR": [f"{records.bare(desired.attributes['host_name'])}."]}
        else:
            addresses = [ipaddress.ip_address(str(one)) for one in desired.attributes.get("addresses") or []]
            values = {"A": [str(a) for a in addresses if a.version == 4]}
            values["AAAA"] = [str(a) for a in addresses if a.version == 6]
        name, ttl = records.relative(self._node(desired), self._zone(desired)), desired.attributes.get("ttl")
        return [
            records.normal_rrset({"name": name, "type": kind, "ttl": ttl, "values": wanted})
            for kind, wanted in values.items()
            if wanted
        ]

    def _attributes(self, desired: Desired, sets: Iterable[RecordSet]) -> dict[str, Any]:
        """The neutral attributes of a name in a shared zone that has these record sets."""
        sets = list(sets)
        values = sorted(value for rrset in sets for value in rrset["values"])
        ttl = sets[0]["ttl"] if sets else records.DEFAULT_TTL
        if desired.kind == "host":
            return {"zone": self._zone(desired), "addresses": values, "ttl": ttl}
        return {"address": desired.name, "host_name": " ".join(records.bare(value) for value in values), "ttl": ttl}

    @staticmethod
    def _held(service_ref: str, node: str) -> Held:
        """A name in a shared zone as something held."""
        node = records.bare(node)
        if node.endswith((".in-addr.arpa", ".ip6.arpa")):
            return Held(service_ref, "ptr", reverse.reverse_address(node))
        return Held(service_ref, "host", node)

    def _validate_reverse(self, desired: Desired, wrong: dict[str, list[str]]) -> None:
        try:
            spelled = str(ipaddress.ip_address(desired.name))
        except ValueError:
            wrong["name"] = [f"{desired.name!r} is not an address"]
            return
        if spelled != desired.name or desired.attributes.get("address", spelled) != spelled:
            wrong["address"] = [f"the reverse record of {spelled} is named by just that address"]
        if not self._zone(desired):
            wrong["address"] = [f"{spelled} is in none of this server's reverse zones"]
        if not is_domain_name(records.bare(desired.attributes.get("host_name") or "")):
            wrong["host_name"] = [f"{desired.attributes.get('host_name')!r} is not a domain name"]

    def _validate_sets(self, desired: Desired, wrong: dict[str, list[str]]) -> None:
        field = {"zone": "rrsets", "host": "addresses", "ptr": "host_name"}[desired.kind]
        try:
            impossible = records.impossible(self._wanted_sets(desired))
        except (ValueError, KeyError, TypeError) as error:
            impossible = str(error)
        if impossible:
            wrong[field] = [impossible]
        if desired.kind == "zone" and not all(is_domain_name(name) for name in self._nameservers(desired)):
            wrong["nameservers"] = ["a name server is a domain name"]


def is_suspended(desired: Desired) -> bool:
    """Name servers know open and shut, no milder restriction."""
    return desired.restriction is not Restriction.NONE


def is_domain_name(name: str) -> bool:
    """Whether ``name`` (without its final dot) can be written into any server's configuration and zone."""
    try:
        dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return False
    return bool(name) and all(_LABEL.match(label) for label in records.bare(name).split("."))
