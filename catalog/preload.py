"""What a new realm's catalog starts with: every standard triple-play feature. ``mission.md`` 5a is the source.

Units are in the characteristics. Nothing here is special afterwards: a realm may change or add as it likes.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.schema import Characteristic
from catalog.choices import Fulfilment, ServiceFamily
from catalog.models import Feature
from catalog.services import features


@dataclass(frozen=True, slots=True)
class StandardFeature:
    key: str
    family: str
    title: str
    description: str
    driver_family: str = ""
    characteristics: tuple[Characteristic, ...] = ()
    depends_on: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    health_note: str = ""
    usage_unit: str = ""
    fulfilment: str = Fulfilment.DRIVER


def load(actor: Actor) -> list[Feature]:
    """Define every standard feature the realm does not have yet. Idempotent."""
    with transaction.atomic(using=scoping.alias()):
        present = set(Feature.objects.values_list("key", flat=True))
        return [
            features.define(
                actor=actor,
                key=feature.key,
                family=feature.family,
                title=feature.title,
                description=feature.description,
                characteristics=feature.characteristics,
                fulfilment=feature.fulfilment,
                driver_family=feature.driver_family,
                health_note=feature.health_note,
                usage_unit=feature.usage_unit,
                depends_on=feature.depends_on,
                excludes=feature.excludes,
            )
            for feature in STANDARD
            if feature.key not in present
        ]


_ACCESS, _IP, _DNS, _MAIL = ServiceFamily.ACCESS, ServiceFamily.IP, ServiceFamily.DNS, ServiceFamily.MAIL
_WEB, _FILE, _VOIP, _IPTV = ServiceFamily.WEB, ServiceFamily.FILE, ServiceFamily.VOIP, ServiceFamily.IPTV
_CPE, _DATA = ServiceFamily.CPE, ServiceFamily.DATA

_LOCAL_PART = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"
_NUMBER = r"^\+?[0-9]{7,15}$"
_CALLER_NAME = r"^[A-Za-z0-9 .,'&-]*$"

# What the patterns want, to people: "Enter …".
_LOCAL_PART_FORM = "lower-case letters and digits, with dots, hyphens or underscores between them"
_NUMBER_FORM = "7 to 15 digits, with or without a + in front"
_CALLER_NAME_FORM = "letters without accents, digits, spaces or . , ' & -"

# In an order in which nothing depends on what comes later.
STANDARD: tuple[StandardFeature, ...] = (
    StandardFeature(
        "data.access", _DATA, "Internet access", "The connection itself, at the speed sold.", _ACCESS,
        (
            Characteristic("down", "integer", "Download", required=True, minimum=1, maximum=100_000, unit="Mbps"),
            Characteristic("up", "integer", "Upload", required=True, minimum=1, maximum=100_000, unit="Mbps"),
            Characteristic("cap", "integer", "Monthly allowance", minimum=0, unit="GB", help="0 means no limit."),
            Characteristic("cpe_id", "mac", "Modem or terminal", help="Known after installation."),
        ),
        health_note="A session is up and passes traffic.", usage_unit="GB",
    ),
    StandardFeature(
        "aaa.account", _ACCESS, "Network log-in", "The name and secret the modem or router presents.", _ACCESS,
        (
            Characteristic("user_name", "text", "User name", max_length=120),
            Characteristic("secret", "secret", "Secret", max_length=120),
        ),
        depends_on=("data.access",), health_note="An authentication request is accepted.",
    ),
    StandardFeature(
        "ip.dynamic", _IP, "IP address", "One public address out of the provider's ranges.", _IP,
        (
            Characteristic(
                "version", "choice", "IP version", default="ipv4", choices=(("ipv4", "IPv4"), ("ipv6", "IPv6"))
            ),
        ),
        depends_on=("data.access",), health_note="The address answers.",
    ),
    StandardFeature(
        "ip.static", _IP, "Static IP address", "Addresses that stay with the subscriber.", _IP,
        (
            Characteristic(
                "size", "choice", "Size", default="32", required=True,
                choices=(("32", "One address"), ("30", "/30"), ("29", "/29 (5 usable)"), ("28", "/28 (13 usable)")),
            ),
        ),
        depends_on=("data.access",), health_note="The address answers.",
    ),
    StandardFeature(
        "dns.host", _DNS, "Host name", "A name for the connection in the provider's zone.", _DNS,
        (Characteristic("host_name", "hostname", "Host name", max_length=63, help="Blank: made from the account."),),
        depends_on=("data.access",), health_note="The name resolves to the address.",
    ),
    StandardFeature(
        "dns.zone", _DNS, "Domain hosting", "A domain of the subscriber's own on the provider's name servers.", _DNS,
        (Characteristic("domain", "hostname", "Domain", required=True, max_length=253),),
        health_note="The name servers answer for the domain.",
    ),
    StandardFeature(
        "mail.mailbox", _MAIL, "Mailbox", "E-mail at the provider's domain.", _MAIL,
        (
            Characteristic(
                "address", "text", "Address", max_length=64, pattern=_LOCAL_PART, expects=_LOCAL_PART_FORM,
                help="Before the @.",
            ),
            Characteristic("quota", "integer", "Size", default=2_048, minimum=100, maximum=1_000_000, unit="MB"),
            Characteristic("aliases", "integer", "Aliases", default=5, minimum=0, maximum=5),
        ),
        health_note="A test message arrives.", usage_unit="MB",
    ),
    StandardFeature(
        "web.hosting", _WEB, "Web hosting", "Space for a web site.", _WEB,
        (
            Characteristic("domain", "hostname", "Domain", required=True, max_length=253),
            Characteristic("quota", "integer", "Size", default=5_120, minimum=100, unit="MB"),
        ),
        health_note="The site's page is served.", usage_unit="MB",
    ),
    StandardFeature(
        "file.share", _FILE, "File space", "Files reachable from every device.", _FILE,
        (Characteristic("quota", "integer", "Size", default=10_240, minimum=100, unit="MB"),),
        health_note="A file can be written and read back.", usage_unit="MB",
    ),
    StandardFeature(
        "voice.line", _VOIP, "Telephone line", "A line with a number, caller name and emergency address.", _VOIP,
        (
            Characteristic(
                "number", "text", "Number", pattern=_NUMBER, expects=_NUMBER_FORM, help="Blank: the next free one."
            ),
            Characteristic(
                "caller_name", "text", "Name shown to others", max_length=15, pattern=_CALLER_NAME,
                expects=_CALLER_NAME_FORM,
            ),
            Characteristic("emergency_address", "text", "Emergency address", max_length=200, help="Blank: the site's."),
        ),
        health_note="The line is registered and can be called.", usage_unit="minutes",
    ),
    StandardFeature(
        "voice.voicemail", _VOIP, "Voicemail", "Callers can leave a message.", _VOIP,
        (Characteristic("email_copy", "boolean", "Send messages by e-mail", default=True),),
        depends_on=("voice.line",), health_note="The voicemail box answers.",
    ),
    StandardFeature(
        "voice.intl", _VOIP, "International minutes", "Calls abroad within an allowance.", _VOIP,
        (Characteristic("minutes", "integer", "Minutes a month", default=500, minimum=0, unit="min"),),
        depends_on=("voice.line",), usage_unit="minutes",
    ),
    StandardFeature(
        "voice.portin", _VOIP, "Keep your number", "A number is brought along from another provider.", _VOIP,
        (
            Characteristic(
                "number", "text", "Number to bring", required=True, pattern=_NUMBER, expects=_NUMBER_FORM
            ),
            Characteristic("losing_carrier", "text", "Present provider", required=True, max_length=80),
            Characteristic("account_number", "text", "Account number there", required=True, max_length=40),
        ),
        depends_on=("voice.line",),
    ),
    StandardFeature(
        "tv.tier", _IPTV, "Television", "A package of channels at a number of outlets.", _IPTV,
        (
            Characteristic(
                "tier", "choice", "Package", required=True,
                choices=(("lifeline", "Lifeline"), ("choice", "Choice"), ("max", "Max"), ("lite", "Lite")),
            ),
            Characteristic("outlets", "integer", "Outlets", default=1, minimum=1, maximum=12),
        ),
        health_note="An entitled channel plays.",
    ),
    StandardFeature(
        "tv.stb", _IPTV, "Set-top box", "A box at an outlet.", _IPTV,
        (
            Characteristic("model", "text", "Model", max_length=60),
            Characteristic("serial", "text", "Serial number", max_length=40, help="Known after installation."),
        ),
        depends_on=("tv.tier",), health_note="The box has reported in.",
    ),
    StandardFeature(
        "tv.dvr", _IPTV, "Recording", "Programmes recorded in the network.", _IPTV,
        (Characteristic("hours", "integer", "Hours", default=50, minimum=1, unit="h"),),
        depends_on=("tv.tier",),
    ),
    StandardFeature(
        "tv.premium", _IPTV, "Premium channels", "Channels beyond the package.", _IPTV,
        (
            Characteristic(
                "pack", "choice", "Pack", default="premium", choices=(("premium", "Premium"), ("sports", "Sports"))
            ),
        ),
        depends_on=("tv.tier",),
    ),
    StandardFeature(
        "cpe.router", _CPE, "Router", "A router or modem managed by the provider.", _CPE,
        (
            Characteristic("model", "text", "Model", max_length=60),
            Characteristic("serial", "text", "Serial number", max_length=40, help="Known after installation."),
        ),
        health_note="The device has reported in.",
    ),
    StandardFeature(
        "wifi.network", _CPE, "Wi-Fi", "A wireless network set up by the provider.", _CPE,
        (
            Characteristic("ssid", "text", "Network name", max_length=32),
            Characteristic("key", "secret", "Key", max_length=63, help="Blank: a strong one is made."),
        ),
        depends_on=("cpe.router",), health_note="The network is on the air.",
    ),
    StandardFeature(
        "security.monitoring", _DATA, "Alarm monitoring", "Traffic of an alarm panel, watched day and night.", "",
        (
            Characteristic("panel", "text", "Panel", required=True, max_length=60),
            Characteristic("contact", "phone", "Whom to call", required=True),
        ),
        depends_on=("data.access",), fulfilment=Fulfilment.TICKET,
    ),
    StandardFeature(
        "game.boost", _DATA, "Game boost", "Game traffic goes first.", _ACCESS, (), depends_on=("data.access",),
    ),
    StandardFeature(
        "telehealth.line", _DATA, "Telehealth line", "A private channel for a medical device, with an alarm.", _ACCESS,
        (
            Characteristic("vlan", "integer", "VLAN", minimum=2, maximum=4094),
            Characteristic("alarm_after", "integer", "Alarm after", default=120, minimum=30, unit="s"),
        ),
        depends_on=("data.access",), health_note="The device's pulse arrives.",
    ),
)  # fmt: skip
