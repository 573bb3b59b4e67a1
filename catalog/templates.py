"""Plan templates: starting points for a realm's first plans, priced by whoever uses them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boss.core.problems import NotFound
from catalog.services.plans import FeaturePart, OptionPart, VersionDraft


@dataclass(frozen=True, slots=True)
class PlanTemplate:
    """What a usual plan of its kind contains. ``monthly`` is a proposal in the realm's currency."""

    key: str
    title: str
    category: str
    features: tuple[FeaturePart, ...]
    options: tuple[OptionPart, ...]
    monthly: Decimal
    term_months: int = 0


def get_template(key: str) -> PlanTemplate:
    """The template with this key. Raises :class:`NotFound`."""
    for template in TEMPLATES:
        if template.key == key:
            return template
    raise NotFound(template=key)


def draft_from(template: PlanTemplate, *, workflows: Mapping[str, str], **changes: Any) -> VersionDraft:
    """A :class:`VersionDraft` of the template. ``changes`` replace any of its fields (``monthly``, ``currency``, …)."""
    given: dict[str, Any] = {
        "features": template.features,
        "options": template.options,
        "monthly": {template.title: template.monthly},
        "term_months": template.term_months,
        "workflows": dict(workflows),
    }
    return VersionDraft(**{**given, **changes})


def internet(down: int, up: int, cap: int, mailboxes: int = 1) -> tuple[FeaturePart, ...]:
    """The features of an internet plan. ``down``/``up`` in Mbps, ``cap`` in GB a month (0: none)."""
    return (
        FeaturePart("data.access", {"down": down, "up": up, "cap": cap}),
        FeaturePart("aaa.account"),
        FeaturePart("ip.dynamic"),
        FeaturePart("dns.host", choosable=("host_name",)),
        FeaturePart("mail.mailbox", choosable=("address",), quantity=mailboxes),
        FeaturePart("cpe.router"),
    )


def television(tier: str) -> tuple[FeaturePart, ...]:
    """The features of a television plan; outlets are the buyer's choice."""
    return (FeaturePart("tv.tier", {"tier": tier}, choosable=("outlets",)), FeaturePart("tv.stb"))


def voice() -> tuple[FeaturePart, ...]:
    """The features of a telephone plan."""
    return (FeaturePart("voice.line", choosable=("caller_name",)), FeaturePart("voice.voicemail"))


STATIC_IP = OptionPart("static-ip", "Static IP address", "ip.static", monthly=Decimal("10.00"), fixed={"size": "32"})
WIFI = OptionPart("wifi", "Managed Wi-Fi", "wifi.network", monthly=Decimal("6.00"), choosable=("ssid",))
SET_TOP = OptionPart("set-top", "Extra set-top box", "tv.stb", maximum=5, monthly=Decimal("7.00"))
RECORDING = OptionPart("recording", "Recording", "tv.dvr", monthly=Decimal("12.00"))
PORT_IN = OptionPart(
    "port-in", "Keep your number", "voice.portin", once=Decimal("0.00"),
    choosable=("number", "losing_carrier", "account_number"),
)  # fmt: skip
INSTALL = OptionPart("install", "Installation by a technician", choice_group="installation", once=Decimal("59.95"))
SELF_INSTALL = OptionPart("self-install", "Self-installation kit", choice_group="installation", once=Decimal("14.95"))

TEMPLATES: tuple[PlanTemplate, ...] = (
    PlanTemplate(
        "internet", "Internet", "internet", internet(100, 10, 1_000, 2),
        (INSTALL, SELF_INSTALL, STATIC_IP, WIFI), Decimal("54.95"),
    ),
    PlanTemplate("television", "Television", "tv", television("choice"), (SET_TOP, RECORDING), Decimal("79.95")),
    PlanTemplate("voice", "Voice", "voice", voice(), (PORT_IN,), Decimal("24.95")),
    PlanTemplate(
        "triple-play", "Triple play", "bundle", internet(300, 20, 1_500, 5) + television("choice") + voice(),
        (INSTALL, SELF_INSTALL, STATIC_IP, WIFI, SET_TOP, RECORDING, PORT_IN), Decimal("149.95"), 12,
    ),
    PlanTemplate(
        "business", "Business internet", "business",
        (
            *internet(300, 30, 0, 10),
            FeaturePart("ip.static", {"size": "32"}),
            FeaturePart("dns.zone", choosable=("domain",)),
        ),
        (INSTALL,), Decimal("119.95"), 24,
    ),
)  # fmt: skip
