"""From what was sold to what must exist at servers: pure functions from a subscription's features to planned services.

A designer takes the whole set of sold features, because some only add to another's service (voicemail to the line,
recording to the television). A realm's own feature without a designer becomes one service of its driver family with
the feature's values as attributes, so a new feature needs no change of the software.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from boss.core.registry import Registry
from ipservices.families import families


@dataclass(frozen=True, slots=True)
class Sold:
    """One sold feature with the values known so far."""

    key: str
    title: str
    driver_family: str
    quantity: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where the services are for: names to build on. ``handle`` is a short name unique to the subscription."""

    handle: str
    owner: str
    email: str
    civic_address: str
    host_zone: str
    mail_domain: str
    has_delegations: bool = False
    named_in_reverse: frozenset[str] = frozenset()
    """Purposes whose addresses have reverse zones at a name server of the realm: "dynamic", "static"."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One service to be. An empty ``name`` or attribute is filled in when its scarce resource is reserved."""

    family: str
    kind: str
    title: str
    name: str
    attributes: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    ordinal: int = 1

    @property
    def full_kind(self) -> str:
        return f"{self.family}.{self.kind}"


Design = Callable[[Sold, Mapping[str, Sold], Setting], Iterable[Planned]]


@dataclass(frozen=True, slots=True)
class Designer:
    """``design`` for features with this key; None when another feature's designer takes it in."""

    feature_key: str
    design: Design | None


designers: Registry[Designer] = Registry("designers", Designer)


def plan(sold: Iterable[Sold], setting: Setting) -> list[tuple[str, Planned]]:
    """Every service of a subscription with the key of the feature it comes from, in the order of the plan."""
    by_key = {feature.key: feature for feature in sold}
    planned: list[tuple[str, Planned]] = []
    for key, feature in by_key.items():
        designer = designers.find(key)
        design = _as_sold if designer is None else designer.design
        if design is not None and feature.driver_family:
            planned += [(key, one) for one in design(feature, by_key, setting)]
    return planned


def new_secret() -> str:
    """A password no person has to remember."""
    return secrets.token_urlsafe(15)


def local_part(text: str) -> str:
    """A name as the part before the @: lower case ASCII, dots between words."""
    return re.sub(r"[^a-z0-9]+", ".", text.lower()).strip(".")[:48] or "mail"


def _values(others: Mapping[str, Sold], key: str) -> Mapping[str, Any]:
    return others[key].values if key in others else {}


def _access(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    log_in = _values(others, "aaa.account")
    telehealth = _values(others, "telehealth.line")
    attributes = {
        "login": str(log_in.get("user_name") or setting.handle),
        "down_mbps": sold.values["down"],
        "up_mbps": sold.values["up"],
        "cap_gb": sold.values.get("cap") or 0,
        "extras": [key for key in ("game.boost", "telehealth.line") if key in others],
        **({"vlan": telehealth["vlan"]} if telehealth.get("vlan") else {}),
    }
    password = str(log_in.get("secret") or new_secret())
    yield Planned("access", "account", "Internet access", attributes["login"], attributes, {"password": password})


def _dynamic_address(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    yield Planned("ip", "assignment", "IP address", "", {"address": "", "address_kind": "address"})
    yield from _reverse(1, "dynamic", others, setting)
    if setting.has_delegations:
        yield Planned("ip", "assignment", "IPv6 prefix", "", {"address": "", "address_kind": "delegation"}, ordinal=2)


def _static_address(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    size = int(sold.values.get("size") or 32)
    kind = "address" if size == 32 else "block"
    for ordinal in range(1, sold.quantity + 1):
        attributes = {"address": "", "address_kind": kind, "prefix": size}
        yield Planned("ip", "assignment", sold.title, "", attributes, ordinal=ordinal)
        if kind == "address":
            yield from _reverse(ordinal, "static", others, setting)


def _reverse(ordinal: int, purpose: str, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    """The reverse record of an address, if the subscription has a host name for it to say."""
    if "dns.host" in others and purpose in setting.named_in_reverse:
        attributes = {"address": "", "host_name": "", "ttl": 300}
        yield Planned("dns", "ptr", "Reverse record", "", attributes, ordinal=ordinal)


def _host(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    label = str(sold.values.get("host_name") or setting.handle).partition(".")[0]
    attributes = {"zone": setting.host_zone, "addresses": [], "ttl": 300}
    yield Planned("dns", "host", sold.title, f"{label}.{setting.host_zone}", attributes)


def _zone(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    yield Planned("dns", "zone", sold.title, str(sold.values["domain"]).lower().rstrip("."), {"rrsets": []})


def _mailbox(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    # A plan may include five mailboxes; only those that have a name are made, the first one from the owner's.
    wanted = str(sold.values.get("address") or "")
    name = f"{wanted or local_part(setting.owner)}@{setting.mail_domain}"
    attributes = {"address": name, "quota_mb": int(sold.values.get("quota") or 2048), "aliases": []}
    yield Planned("mail", "mailbox", sold.title, name, attributes, {"password": new_secret()})


def _line(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    abroad = _values(others, "voice.intl")
    caller = str(sold.values.get("caller_name") or re.sub(r"[^A-Za-z0-9 .,'&-]", "", setting.owner)[:15])
    for ordinal in range(1, sold.quantity + 1):
        line = {
            "number": "",
            "display_name": caller,
            "channels": 2,
            "voicemail": "voice.voicemail" in others,
            "barring": [] if "voice.intl" in others else ["international", "premium"],
            "international_minutes": int(abroad.get("minutes") or 0),
        }
        place = str(sold.values.get("emergency_address") or setting.civic_address)
        where = {"number": "", "civic_address": place, "name": setting.owner}
        yield Planned("voip", "line", sold.title, "", line, {"password": new_secret()}, ordinal)
        yield Planned("e911", "record", "Emergency address", "", where, ordinal=ordinal)


def _television(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    outlets = int(sold.values.get("outlets") or 1)
    packages = [str(sold.values["tier"])]
    if "tv.premium" in others:
        packages.append(str(others["tv.premium"].values.get("pack") or "premium"))
    attributes = {
        "subscriber": setting.handle,
        "packages": packages,
        "outlets": outlets,
        "max_streams": outlets,
        "dvr_hours": int(_values(others, "tv.dvr").get("hours") or 50) if "tv.dvr" in others else 0,
    }
    yield Planned("iptv", "entitlement", sold.title, setting.handle, attributes)


def _set_top(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    for ordinal in range(1, sold.quantity + 1):
        attributes = {"device_kind": "set_top", "model": sold.values.get("model") or "", "serial": "", "mac": ""}
        yield Planned("cpe", "device", sold.title, f"{setting.handle}-tv{ordinal}", attributes, ordinal=ordinal)


def _router(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    access, wireless = _values(others, "data.access"), _values(others, "wifi.network")
    attributes: dict[str, Any] = {
        "device_kind": "router",
        "model": sold.values.get("model") or "",
        "serial": sold.values.get("serial") or "",
        "mac": access.get("cpe_id") or "",
        "profile": "internet",
        "down_mbps": access.get("down") or 0,
        "up_mbps": access.get("up") or 0,
    }
    kept: dict[str, str] = {}
    if "wifi.network" in others:
        attributes["ssid"] = str(wireless.get("ssid") or f"{setting.handle}-wifi")
        kept["wifi_key"] = str(wireless.get("key") or new_secret())
    yield Planned("cpe", "device", sold.title, f"{setting.handle}-router", attributes, kept)


def _web(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    domain = str(sold.values["domain"]).lower()
    attributes = {"names": [domain, f"www.{domain}"], "quota_mb": int(sold.values.get("quota") or 5120)}
    yield Planned("web", "site", sold.title, domain, attributes)


def _files(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    attributes = {"login": setting.handle, "quota_mb": int(sold.values.get("quota") or 10240)}
    yield Planned("file", "account", sold.title, setting.handle, attributes, {"password": new_secret()})


def _as_sold(sold: Sold, others: Mapping[str, Sold], setting: Setting) -> Iterable[Planned]:
    """A feature nobody wrote a designer for: the family's first kind, named after the subscription and the feature."""
    family = families.find(sold.driver_family) or families.get("data")
    for ordinal in range(1, sold.quantity + 1):
        name = f"{setting.handle}-{sold.key.replace('.', '-')}" + (f"-{ordinal}" if ordinal > 1 else "")
        yield Planned(
            sold.driver_family, family.kinds[0].key, sold.title, name, {"values": dict(sold.values)}, ordinal=ordinal
        )


for _key, _design in {
    "data.access": _access,
    "ip.dynamic": _dynamic_address,
    "ip.static": _static_address,
    "dns.host": _host,
    "dns.zone": _zone,
    "mail.mailbox": _mailbox,
    "voice.line": _line,
    "tv.tier": _television,
    "tv.stb": _set_top,
    "cpe.router": _router,
    "web.hosting": _web,
    "file.share": _files,
}.items():
    designers.register(_key, Designer(_key, _design))

for _key in (
    "aaa.account",
    "game.boost",
    "telehealth.line",
    "voice.voicemail",
    "voice.intl",
    "voice.portin",
    "tv.dvr",
    "tv.premium",
    "wifi.network",
):
    designers.register(_key, Designer(_key, None))
