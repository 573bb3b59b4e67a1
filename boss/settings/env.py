"""Typed readers of environment variables that refuse a bad value by name."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from boss.core.networks import NetworkRefused, listed
from boss.core.proxies import TrustedProxies


def text(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None or value == "":
        if default is not None:
            return default
        raise ImproperlyConfigured(f"{name} must be set")
    return value


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value == "":
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}")


def number(name: str, default: int) -> int:
    value = os.environ.get(name, "")
    if value == "":
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None


def words(name: str, default: list[str]) -> list[str]:
    value = os.environ.get(name, "")
    return [word.strip() for word in value.split(",") if word.strip()] if value else default


def name_servers(name: str) -> list[tuple[str, int]]:
    """Addresses and ports of name servers, comma-separated ("192.0.2.53", "[2001:db8::53]:5353"); none, none."""
    found = []
    for word in words(name, []):
        try:
            host, port = word, 53
            if word.startswith("[") or word.count(":") == 1:
                place = urlsplit(f"//{word}")
                host, port = place.hostname or "", place.port or 53
            found.append((str(ipaddress.ip_address(host)), port))
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be addresses like 192.0.2.53:53, not {word!r}") from None
    return found


def networks(name: str) -> list[str]:
    """Networks that the whole installation may reach, comma-separated; none when nothing is said."""
    try:
        return [listed(word, by_realm=False) for word in words(name, [])]
    except NetworkRefused as error:
        raise ImproperlyConfigured(f"{name} must be networks like 10.0.0.0/8, not {error.text!r}") from None


def directories(name: str) -> list[str]:
    """Absolute paths, comma-separated; none when nothing is said. The root of everything is no place to allow."""
    found = words(name, [])
    for path in found:
        if os.path.normpath(path) != path.rstrip("/") or not Path(path).is_absolute() or path.startswith("//"):
            raise ImproperlyConfigured(f"{name} must be absolute paths of directories, not {path!r}")
    return found


def choice(name: str, allowed: list[str]) -> str:
    """One of ``allowed``; the first one when nothing is said."""
    value = os.environ.get(name, "").strip().lower() or allowed[0]
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be {' or '.join(allowed)}, not {value!r}")
    return value


def proxies(name: str, default: str) -> TrustedProxies:
    """How many proxies of ours stand in front, or the networks they stand in; ``0`` for none."""
    value = os.environ.get(name, "").strip() or default
    try:
        return TrustedProxies.parse(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number or networks like 10.0.0.0/8, not {value!r}") from None
