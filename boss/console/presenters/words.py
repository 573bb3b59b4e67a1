"""Keys and values of JSON as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.core.crypto import masked

_UNITS = {"_mbps": " (Mbit/s)", "_gb": " (GB)", "_mb": " (MB)", "_dbm": " (dBm)", "_db": " (dB)", "_seconds": " (s)"}
_CAPITALS = {"ip", "mac", "snr", "id", "ipv4", "ipv6", "dns", "url", "stb", "pin", "rx", "tx", "cpe", "ssid"}


def label(key: str) -> str:
    """``modem_mac`` as "Modem MAC", ``up_mbps`` as "Up (Mbit/s)"."""
    unit = next((suffix for suffix in _UNITS if key.endswith(suffix)), "")
    words = key.removesuffix(unit).replace("_", " ").replace("-", " ").split()
    shown = [word.upper() if word.lower() in _CAPITALS else word for word in words]
    text = " ".join(shown)
    return f"{text[:1].upper()}{text[1:]}{_UNITS.get(unit, '')}"


def plain(value: Any) -> str:
    """A JSON value in words."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value is None or value == "":
        return "—"
    if isinstance(value, list):
        return ", ".join(plain(item) for item in value) or "—"
    if isinstance(value, dict):
        return ", ".join(f"{label(key)}: {plain(inner)}" for key, inner in value.items()) or "—"
    return str(value)


def pairs(values: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Values with their labels, secrets masked."""
    return [(label(key), plain(value)) for key, value in masked(dict(values or {})).items()]
