"""What the conformance kit needs of a server beyond its driver: a subscriber's client, a saboteur, a second hand.

A bench is one server with one kind of object. A new driver passes the kit when it has a bench here.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import dns.message
import dns.query
import dns.rcode
import httpx

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import Realm
from ipservices.contracts import Connection, Desired, Driver
from ipservices.drivers.dns_powerdns.driver import PowerDnsDriver
from ipservices.drivers.dns_powerdns.lab import Lab
from ipservices.drivers.simulator import client, store
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.families import kinds
from ipservices.models import Binding, SimulatedEffect
from ipservices.services import bindings

LOOPBACK = ("127.0.0.0/8",)

# For each kind: name, attributes, and a change of them.
SAMPLES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "access.account": ("a-10001", {"login": "a-10001", "down_mbps": 300, "up_mbps": 20}, {"down_mbps": 600}),
    "ip.assignment": ("203.0.113.7", {"address": "203.0.113.7", "address_kind": "address"}, {"hostname": "a"}),
    "dns.zone": ("maria.example", {"rrsets": []}, {"nameservers": ["ns9.maria.example"]}),
    "dns.host": ("a-1.subs.example", {"zone": "subs.example", "addresses": ["203.0.113.7"]}, {"ttl": 60}),
    "mail.mailbox": ("maria@t.example", {"address": "maria@t.example", "quota_mb": 2048}, {"quota_mb": 4096}),
    "voip.line": ("+15550100", {"number": "+15550100", "channels": 2}, {"voicemail": True}),
    "e911.record": ("+15550100", {"number": "+15550100", "civic_address": "1 Elm St"}, {"civic_address": "2 Elm St"}),
    "iptv.entitlement": ("a-10001", {"subscriber": "a-10001", "packages": ["choice"]}, {"packages": ["choice", "hd"]}),
    "cpe.device": ("a-10001-router", {"device_kind": "router", "mac": ""}, {"mac": "00:11:22:aa:bb:cc"}),
    "web.site": ("maria.example", {"names": ["maria.example"]}, {"quota_mb": 100}),
    "file.account": ("a-10001", {"login": "a-10001", "quota_mb": 100}, {"quota_mb": 200}),
    "data.service": ("a-10001-alarm", {"values": {"panel": "x"}}, {"values": {"panel": "y"}}),
}


class Bench(ABC):
    """One server under test, reached through ``driver()``; everything else stands beside BOSS."""

    binding: Binding
    full_kind: str

    @abstractmethod
    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver: ...

    @abstractmethod
    def desired(self) -> Desired: ...

    @abstractmethod
    def changed(self, desired: Desired, number: int = 1) -> Desired:
        """``desired`` with another value; different for each ``number``."""

    @abstractmethod
    def works(self, desired: Desired, switch: str = "") -> bool:
        """Whether a subscriber's own program gets through."""

    @abstractmethod
    def tamper(self, desired: Desired) -> None:
        """Somebody changes the object past BOSS."""

    @abstractmethod
    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        """The server goes down while it is being changed; it is back afterwards."""

    @property
    def switches(self) -> tuple[str, ...]:
        return kinds.get(self.full_kind).switches


class SimulatorBench(Bench):
    def __init__(self, realm: Realm, full_kind: str) -> None:
        self.full_kind = full_kind
        self.realm_id = realm.pk
        self.server = f"kit {full_kind}"
        with scoping.realm_transaction(realm.pk):
            self.binding = bindings.create(
                actor=Actor.system(realm.pk),
                family=full_kind.partition(".")[0],
                driver_key="simulator",
                name=self.server,
                settings={"server": self.server},
                deadline_seconds=5,
            )
        with store.request(realm.pk, self.server) as server:
            server.secret = "right"
            server.save()

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        self.fault(service_dead=not service_plane)
        secrets = {"secret": "right" if right_secret else "wrong"}
        return SimulatorDriver(Connection(self.realm_id, self.binding.pk, {"server": self.server}, secrets, 5))

    def desired(self) -> Desired:
        family, _dot, kind = self.full_kind.partition(".")
        name, attributes, _change = SAMPLES[self.full_kind]
        return Desired("svc-kit000000001", family, kind, name, attributes)

    def changed(self, desired: Desired, number: int = 1) -> Desired:
        change = {**SAMPLES[self.full_kind][2], "note": number}
        return replace(desired, attributes={**desired.attributes, **change})

    def works(self, desired: Desired, switch: str = "") -> bool:
        return client.can_use(self.realm_id, self.server, self.full_kind, desired.name, switch)

    def connect(self, desired: Desired) -> bool:
        return client.open_session(self.realm_id, self.server, self.full_kind, desired.name)

    def sessions(self, desired: Desired) -> int:
        return client.sessions(self.realm_id, self.server, self.full_kind, desired.name)

    def restart(self) -> None:
        client.restart(self.realm_id, self.server)

    def tamper(self, desired: Desired) -> None:
        key = next(iter(desired.attributes))
        client.tamper(self.realm_id, self.server, self.full_kind, desired.name, {key: "tampered"})

    def fault(self, **faults: Any) -> None:
        with store.request(self.realm_id, self.server) as server:
            server.faults = {**server.faults, **faults}
            server.save()

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        self.fault(answer_lost=True)
        try:
            yield
        finally:
            self.fault(answer_lost=False)

    def real_changes(self, key: str) -> int:
        """How often something really changed under ``key``: the judge's view."""
        with scoping.realm_transaction(self.realm_id):
            return int(SimulatedEffect.objects.filter(server__name=self.server, key=key, changed=True).count())


class PowerDnsBench(Bench):
    def __init__(self, realm: Realm, kind: str, lab: Lab) -> None:
        self.full_kind = f"dns.{kind}"
        self.realm_id = realm.pk
        self.lab = lab
        self.settings = {
            "api_url": lab.api_url,
            "dns_host": lab.dns_host,
            "dns_port": lab.dns_port,
            "zone": "subs.kit.example",
            "nameservers": "ns1.kit.example ns2.kit.example",
        }
        with scoping.realm_transaction(realm.pk):
            self.binding = bindings.create(
                actor=Actor.system(realm.pk),
                family="dns",
                driver_key="dns_powerdns",
                name=f"kit PowerDNS {kind}",
                settings=self.settings,
                secrets={"api_key": lab.api_key},
                deadline_seconds=8,
            )

    def driver(self, *, right_secret: bool = True, service_plane: bool = True) -> Driver:
        settings = self.settings if service_plane else {**self.settings, "dns_port": 9}
        secrets = {"api_key": self.lab.api_key if right_secret else "wrong"}
        return PowerDnsDriver(Connection(self.realm_id, self.binding.pk, settings, secrets, 8, LOOPBACK))

    def desired(self) -> Desired:
        if self.full_kind == "dns.zone":
            rrsets = [
                {"name": "www", "type": "A", "values": ["203.0.113.7"]},
                {"name": "@", "type": "MX", "ttl": 600, "values": ["10 mx.kit.example"]},
                {"name": "@", "type": "TXT", "values": ['"v=spf1 -all"']},
            ]
            return Desired("svc-kit000000001", "dns", "zone", "maria-kit.example", {"rrsets": rrsets})
        attributes = {"zone": "subs.kit.example", "addresses": ["203.0.113.7", "2001:db8::7"], "ttl": 300}
        return Desired("svc-kit000000001", "dns", "host", "a-10001.subs.kit.example", attributes)

    def changed(self, desired: Desired, number: int = 1) -> Desired:
        address = f"198.51.100.{number}"
        if self.full_kind == "dns.zone":
            rrsets = [{"name": "www", "type": "A", "values": [address]}]
            return replace(desired, attributes={**desired.attributes, "rrsets": rrsets})
        return replace(desired, attributes={**desired.attributes, "addresses": [address]})

    def works(self, desired: Desired, switch: str = "") -> bool:
        name = f"www.{desired.name}" if self.full_kind == "dns.zone" else desired.name
        reply = dns.query.udp(dns.message.make_query(name, "A"), self.lab.dns_host, port=self.lab.dns_port, timeout=3)
        return reply.rcode() == dns.rcode.NOERROR and bool(reply.answer)

    def tamper(self, desired: Desired) -> None:
        zone = desired.name if self.full_kind == "dns.zone" else desired.attributes["zone"]
        name = f"www.{desired.name}." if self.full_kind == "dns.zone" else f"{desired.name}."
        change = {
            "name": name,
            "type": "A",
            "ttl": 300,
            "changetype": "REPLACE",
            "records": [{"content": "192.0.2.66", "disabled": False}],
        }
        httpx.patch(
            f"{self.lab.api_url}/api/v1/servers/localhost/zones/{zone}.",
            headers={"X-API-Key": self.lab.api_key},
            json={"rrsets": [change]},
            timeout=5,
        ).raise_for_status()

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        killer = threading.Timer(0.01, self.lab.kill)
        killer.start()
        try:
            yield
        finally:
            killer.join()
            self.lab.restart()
