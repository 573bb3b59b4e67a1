"""Service families in neutral words: which kinds of native objects there are and what is said about each.

No vendor's name and no server's term appears here; drivers translate. Attributes marked ``required`` must be in every
desired state. ``switches`` are what the owner may turn off himself, kept apart from the operator's suspension.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Text
from boss.core.registry import Registry


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of native object. ``noun`` stands in sentences; ``metrics`` carry their unit in the name.

    With ``has_content`` the object holds what its owner put there (mail, files): taking it away loses that.
    ``content`` says what that is, ``stays`` what of it no server hands on to another, ``on_moving`` what an operator
    has to see to who moves it.
    """

    family: str
    key: str
    noun: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    has_sessions: bool = False
    has_content: bool = False
    content: Text = ""
    stays: tuple[Text, ...] = ()
    on_moving: tuple[Text, ...] = ()

    @property
    def full(self) -> str:
        return f"{self.family}.{self.key}"


@dataclass(frozen=True, slots=True)
class Family:
    key: str
    title: Text
    kinds: tuple[Kind, ...]


families: Registry[Family] = Registry("service families", Family)
kinds: Registry[Kind] = Registry("kinds of service objects", Kind)


def define(key: str, title: Text, *defined: Kind) -> Family:
    """Add a family. An operator's own package may add further ones in its ``AppConfig.ready``."""
    family = families.register(key, Family(key, title, defined))
    for kind in defined:
        kinds.register(kind.full, kind)
    return family


define(
    "access",
    _("Access (AAA)"),
    Kind(
        "access",
        "account",
        "access account",
        required=("login", "down_mbps", "up_mbps"),
        optional=(
            "cap_gb",
            "static_address",
            "delegated_prefix",
            "vlan",
            "simultaneous",
            "service_class",
            "extras",
        ),
        secrets=("password",),
        switches=("login",),
        metrics=("octets_in", "octets_out", "seconds"),
        has_sessions=True,
    ),
)
define(
    "ip",
    _("IP addresses"),
    Kind(
        "ip",
        "assignment",
        "address",
        required=("address", "address_kind"),
        # ``identifier``: the client, as mac:…, duid:…, circuit_id:… or client_id:…; ``bound``: whether it is known.
        optional=("hostname", "identifier", "prefix", "bound"),
        switches=("lease",),
        has_sessions=True,
    ),
)
define(
    "dns",
    _("Domain names"),
    Kind("dns", "zone", "zone", optional=("nameservers", "rrsets"), switches=("www A",), metrics=("queries",)),
    Kind("dns", "host", "host name", required=("zone", "addresses"), optional=("ttl",), switches=("record",)),
    Kind("dns", "ptr", "reverse record", required=("address", "host_name"), optional=("ttl",), switches=("record",)),
)
define(
    "mail",
    _("E-mail"),
    Kind(
        "mail",
        "mailbox",
        "mailbox",
        required=("address", "quota_mb"),
        optional=("aliases", "forward", "autoreply", "daily_send_limit"),
        secrets=("password",),
        switches=("imap", "pop", "submit", "deliver"),
        metrics=("messages_in", "messages_out", "storage_octets"),
        has_sessions=True,
        has_content=True,
        content=_("folders, messages with their numbers and flags, and subscriptions"),
        stays=(
            _("what the owner keeps at the webmail (address book, signatures)"),
            _("filter rules the owner wrote at the server himself"),
            _("how many messages he has sent today (the daily limit begins anew)"),
        ),
        on_moving=(
            _(
                "Each mailbox is shut while its last part is copied: open sessions end, and whoever writes to it is"
                " asked to come again (450)."
            ),
            _(
                "Mail that reaches the old server afterwards is refused as for an unknown address (550). See to it that"
                " mail for what was moved is led to the new server, by your relay or by the domain's MX."
            ),
            _("Mail programs reach the new server by its own name: point the name they use there, or tell the owners."),
        ),
    ),
)
define(
    "voip",
    _("Voice"),
    Kind(
        "voip",
        "line",
        "voice line",
        required=("number",),
        optional=("display_name", "channels", "barring", "forward_to", "voicemail", "international_minutes", "device"),
        secrets=("password",),
        switches=("outgoing", "voicemail"),
        metrics=("calls", "seconds"),
        has_sessions=True,
    ),
)
define(
    "e911",
    _("Emergency location"),
    Kind("e911", "record", "emergency address record", required=("number", "civic_address"), optional=("name",)),
)
define(
    "iptv",
    _("Television"),
    Kind(
        "iptv",
        "entitlement",
        "channel entitlement",
        required=("subscriber", "packages"),
        optional=("outlets", "max_streams", "dvr_hours", "devices"),
        switches=("adult",),
        metrics=("minutes",),
        has_sessions=True,
    ),
)
define(
    "cpe",
    _("Customer equipment"),
    Kind(
        "cpe",
        "device",
        "device",
        required=("device_kind",),
        optional=("mac", "serial", "model", "profile", "down_mbps", "up_mbps", "ssid"),
        secrets=("wifi_key",),
        switches=("wifi",),
        metrics=("octets_in", "octets_out"),
        has_sessions=True,
    ),
)
define(
    "web",
    _("Web hosting"),
    Kind(
        "web",
        "site",
        "web site",
        required=("names",),
        optional=("quota_mb",),
        switches=("site",),
        metrics=("requests",),
        has_content=True,
    ),
)
define(
    "file",
    _("File sharing"),
    Kind(
        "file",
        "account",
        "file account",
        required=("login", "quota_mb"),
        secrets=("password",),
        switches=("login",),
        metrics=("octets_in", "octets_out"),
        has_sessions=True,
        has_content=True,
    ),
)
define(
    "data",
    _("Data services"),
    Kind("data", "service", "data service", optional=("values",), switches=("service",)),
)
