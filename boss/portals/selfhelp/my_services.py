"""What a customer sees of the services: a closed list of settings for each kind, never a secret.

A setting that is not named here is not shown, whatever a driver or a new family adds to the desired state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core.actors import Actor
from boss.look.marks import Mark
from boss.portals.selfhelp import words
from ipservices import selectors as ipservices
from ipservices.choices import ServiceState
from ipservices.models import Service
from subscribers import selectors as subscribers
from subscribers.models import Subscription

Show = Callable[[Any], str]


def _text(value: Any) -> str:
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _mbps(value: Any) -> str:
    return _("%(n)s Mbit/s") % {"n": value}


def _gb(value: Any) -> str:
    return _("%(n)s GB a month") % {"n": value}


def _mb(value: Any) -> str:
    return _("%(n)s MB") % {"n": value}


def _address(value: Any) -> str:
    """A civic address, kept as text or in parts."""
    parts = value.values() if isinstance(value, dict) else [value]
    return ", ".join(str(part) for part in parts if part)


NAME = "@name"  # not a setting: the service's own name

KNOWN: dict[str, tuple[tuple[str, str | Promise, Show], ...]] = {
    "access.account": (
        ("down_mbps", gettext_lazy("Download"), _mbps),
        ("up_mbps", gettext_lazy("Upload"), _mbps),
        ("cap_gb", gettext_lazy("Included"), _gb),
    ),
    "ip.assignment": (("address", gettext_lazy("Address"), _text), ("hostname", gettext_lazy("Name"), _text)),
    "dns.zone": (
        (NAME, gettext_lazy("Domain"), _text),
        ("nameservers", gettext_lazy("Name servers"), _text),
    ),
    "dns.host": ((NAME, gettext_lazy("Name"), _text), ("addresses", gettext_lazy("Leads to"), _text)),
    "mail.mailbox": (
        ("address", gettext_lazy("Address"), _text),
        ("quota_mb", gettext_lazy("Space"), _mb),
        ("aliases", gettext_lazy("Other names"), _text),
        ("forward", gettext_lazy("Forwarded to"), _text),
    ),
    "voip.line": (
        ("number", gettext_lazy("Number"), _text),
        ("display_name", gettext_lazy("Name shown"), _text),
        ("forward_to", gettext_lazy("Forwarded to"), _text),
        ("international_minutes", gettext_lazy("Minutes abroad"), _text),
    ),
    "e911.record": (
        ("number", gettext_lazy("Number"), _text),
        ("civic_address", gettext_lazy("Emergency address"), _address),
    ),
    "iptv.entitlement": (
        ("packages", gettext_lazy("Channels"), _text),
        ("outlets", gettext_lazy("Outlets"), _text),
        ("dvr_hours", gettext_lazy("Recording hours"), _text),
    ),
    "cpe.device": (
        ("model", gettext_lazy("Model"), _text),
        ("serial", gettext_lazy("Serial number"), _text),
        ("ssid", gettext_lazy("Wi-Fi name"), _text),
    ),
    "web.site": (("names", gettext_lazy("Addresses"), _text), ("quota_mb", gettext_lazy("Space"), _mb)),
    "file.account": (("login", gettext_lazy("User name"), _text), ("quota_mb", gettext_lazy("Space"), _mb)),
}
ICONS = {
    "access": "wifi",
    "ip": "network",
    "dns": "world",
    "mail": "mail",
    "voip": "phone",
    "e911": "map-pin",
    "iptv": "device-tv",
    "cpe": "router",
    "web": "world",
    "file": "stack-2",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One service in a customer's words."""

    title: str
    icon: str
    mark: Mark
    facts: list[tuple[str | Promise, str]]
    is_faulty: bool = False
    opens: str = ""  # the id by which its owner is signed in at the service itself


@dataclass(frozen=True, slots=True)
class Held:
    """One subscription with its services."""

    subscription: Subscription
    mark: Mark
    lines: list[Line]


def list_subscriptions(actor: Actor) -> list[Held]:
    """The signed-in subscriber's subscriptions that have not ended, each with its services."""
    subscriptions = list(subscribers.list_my_subscriptions(actor))
    by_subscription: dict[int, list[Line]] = {held.pk: [] for held in subscriptions}
    services = [
        service
        for account in {held.account_id: held.account for held in subscriptions}.values()
        for service in ipservices.list_services_for_account(actor, account)
        if service.subscription_id in by_subscription and service.state in words.SERVICE
    ]
    opening = ipservices.offer_sign_in([service for service in services if service.family == "mail"])
    for service in services:
        by_subscription[service.subscription_id or 0].append(line_of(service, opens=service.pk in opening))
    return [
        Held(held, words.SUBSCRIPTION.get(held.state, words.UNKNOWN), by_subscription[held.pk])
        for held in subscriptions
    ]


def line_of(service: Service, *, opens: bool = False) -> Line:
    settings: dict[str, Any] = {**service.desired, NAME: service.name}
    # Nought of something (recording hours, minutes abroad) is something one does not have.
    facts = [(label, show(settings[key])) for key, label, show in KNOWN.get(service.full_kind, ()) if settings.get(key)]
    faulty = service.binding is not None and service.binding.healthy is False and service.state == ServiceState.ACTIVE
    mark = words.TROUBLE if faulty else words.SERVICE[service.state]
    icon = ICONS.get(service.family, "bolt")
    return Line(service.title, icon, mark, facts, faulty, service.public_id if opens else "")
