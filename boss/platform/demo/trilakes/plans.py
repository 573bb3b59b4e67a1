"""What Tri-Lakes Cable sells (``mission.md`` 5a). Money in USD a month unless said otherwise."""

from __future__ import annotations

from decimal import Decimal

from boss.platform.demo.shapes import PlanSeed
from catalog.services.plans import FeaturePart, OptionPart, UsagePart, VersionDraft
from catalog.templates import PORT_IN, RECORDING, SELF_INSTALL, SET_TOP, STATIC_IP, WIFI, internet, television, voice

NEW_TRIPLE_PLAY = "new-triple-play"
SELF_INSTALL_ONLY = "self-install"
LATER = {"change": "plan-change", "port_in": "number-port-in", "disconnect": "disconnect-recover"}
DEFINITIONS = (
    NEW_TRIPLE_PLAY, SELF_INSTALL_ONLY, "plan-change", "line-cut-over", "number-port-in", "non-pay",
    "disconnect-recover",
)  # fmt: skip
"""In an order in which each names only those before it."""


def _install(price: str) -> OptionPart:
    return OptionPart("install", "Installation by a technician", choice_group="installation", once=Decimal(price))


_MODEM = OptionPart("modem", "Modem rental", monthly=Decimal("8.00"))
_PREMIUM = OptionPart("premium", "Premium channels", "tv.premium", monthly=Decimal("16.95"), fixed={"pack": "premium"})
_OUTLET = OptionPart("outlet", "Extra outlet wired", maximum=5, once=Decimal("25.00"))
_ABROAD = OptionPart("intl", "500 minutes abroad", "voice.intl", monthly=Decimal("9.95"), fixed={"minutes": 500})
_SECOND_LINE = OptionPart(
    "second-line", "Second line", "voice.line", monthly=Decimal("14.95"), choosable=("caller_name",)
)

_ONLINE = (STATIC_IP, WIFI, _MODEM)
_WATCH = (SET_TOP, RECORDING, _PREMIUM, _OUTLET)
_TALK = (PORT_IN, _ABROAD, _SECOND_LINE)


def _overage(cap: int) -> tuple[UsagePart, ...]:
    """10 dollars per 100 GB beyond the allowance, 50 at most."""
    if cap == 0:
        return ()
    return (UsagePart("Extra data", "10.00", "GB", unit_size=100, included=cap, most="50.00"),)


def _plan(
    key: str,
    title: str,
    summary: str,
    category: str,
    monthly: str,
    features: tuple[FeaturePart, ...],
    options: tuple[OptionPart, ...],
    workflow: str,
    *,
    cap: int = 0,
    term: int = 0,
    fee: str = "0.00",
    technologies: tuple[str, ...] = (),
) -> PlanSeed:
    workflows = {"activate": workflow, **LATER}
    if category not in ("voice", "bundle"):
        del workflows["port_in"]
    version = VersionDraft(
        features=features,
        monthly={title: monthly},
        usage=_overage(cap),
        options=options,
        workflows=workflows,
        term_months=term,
        early_end_fee=fee,
        technologies=technologies,
    )
    return PlanSeed(key, title, summary, category, version)


PLANS = (
    _plan(
        "internet-100", "Internet 100",
        "100/10 Mbps, 1,000 GB, 2 mailboxes. Plug it in yourself.", "internet", "54.95",
        internet(100, 10, 1_000, 2), (SELF_INSTALL, *_ONLINE), SELF_INSTALL_ONLY, cap=1_000,
    ),
    _plan(
        "internet-300", "Internet 300",
        "300/20 Mbps, 1,500 GB, 5 mailboxes. Plug it in yourself.", "internet", "69.95",
        internet(300, 20, 1_500, 5), (SELF_INSTALL, *_ONLINE), SELF_INSTALL_ONLY, cap=1_500,
    ),
    _plan(
        "internet-600", "Internet 600",
        "600/25 Mbps, 2,000 GB, 5 mailboxes. Plug it in yourself.", "internet", "84.95",
        internet(600, 25, 2_000, 5), (SELF_INSTALL, *_ONLINE), SELF_INSTALL_ONLY, cap=2_000,
    ),
    _plan(
        "gig", "Gig", "940/40 Mbps without a limit, installed by a technician.", "internet", "99.95",
        internet(940, 40, 0, 5), (_install("79.95"), *_ONLINE), NEW_TRIPLE_PLAY,
    ),
    _plan(
        "tv-lifeline", "TV Lifeline", "32 channels.", "tv", "29.95",
        television("lifeline"), (_install("59.95"), *_WATCH), NEW_TRIPLE_PLAY, technologies=("hfc", "fibre"),
    ),
    _plan(
        "tv-choice", "TV Choice", "125 channels.", "tv", "79.95",
        television("choice"), (_install("59.95"), *_WATCH), NEW_TRIPLE_PLAY, technologies=("hfc", "fibre"),
    ),
    _plan(
        "tv-max", "TV Max", "190 channels.", "tv", "99.95",
        television("max"), (_install("59.95"), *_WATCH), NEW_TRIPLE_PLAY, technologies=("hfc", "fibre"),
    ),
    _plan(
        "voice", "Voice Unlimited", "A line with voicemail, caller name and emergency address.", "voice", "24.95",
        voice(), (_install("59.95"), *_TALK), NEW_TRIPLE_PLAY,
    ),
    _plan(
        "duo-300", "Duo 300", "Internet 300 and TV Choice.", "bundle", "134.95",
        internet(300, 20, 1_500, 5) + television("choice"), (_install("59.95"), *_ONLINE, *_WATCH), NEW_TRIPLE_PLAY,
        cap=1_500, term=12, fee="10.00", technologies=("hfc", "fibre"),
    ),
    _plan(
        "triple-300", "Triple 300", "Internet 300, TV Choice and Voice Unlimited.", "bundle", "149.95",
        internet(300, 20, 1_500, 5) + television("choice") + voice(), (_install("59.95"), *_ONLINE, *_WATCH, *_TALK),
        NEW_TRIPLE_PLAY, cap=1_500, term=12, fee="10.00", technologies=("hfc", "fibre"),
    ),
    _plan(
        "triple-gig", "Triple Gig", "Gig, TV Choice and Voice Unlimited.", "bundle", "184.95",
        internet(940, 40, 0, 5) + television("choice") + voice(), (_install("79.95"), *_ONLINE, *_WATCH, *_TALK),
        NEW_TRIPLE_PLAY, term=12, fee="10.00", technologies=("hfc", "fibre"),
    ),
    _plan(
        "business-300", "Business 300", "300/30 Mbps, a static address, your own domain.", "business", "119.95",
        (
            *internet(300, 30, 0, 10),
            FeaturePart("ip.static", {"size": "32"}),
            FeaturePart("dns.zone", choosable=("domain",)),
        ),
        (_install("59.95"), WIFI, _MODEM), NEW_TRIPLE_PLAY, term=24,
    ),
)  # fmt: skip

ONCE = {"Truck roll": "49.00", "Late fee": "8.00", "Reconnection": "35.00"}
