"""Template context: what of the brand every page shows. Lazy, so that fragments without it ask nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from boss.core import colours
from boss.look import brand
from boss.tenancy import selectors
from boss.tenancy.models import Brand


@dataclass(frozen=True, slots=True)
class Look:
    """The brand as pages use it."""

    name: str
    initial: str
    stylesheet_url: str
    logo_url: str = ""
    phone: str = ""
    email: str = ""
    tagline: str = ""
    currency: str = "USD"


def _stylesheet_url(colour: str) -> str:
    return reverse("look:stylesheet", args=[brand.version(colour)])


def plain() -> Look:
    """For pages outside any realm."""
    return Look("BOSS", "B", _stylesheet_url(colours.FALLBACK))


def of_brand(row: Brand, currency: str) -> Look:
    logo_url = reverse("look:logo", args=[int(row.changed_at.timestamp())]) if row.logo and row.changed_at else ""
    return Look(
        name=row.name,
        initial=row.name[:1].upper(),
        stylesheet_url=_stylesheet_url(row.colour),
        logo_url=logo_url,
        phone=row.phone,
        email=row.email,
        tagline=row.tagline,
        currency=currency,
    )


_SECONDS = 5  # a new brand is seen everywhere within this time
_kept: dict[tuple[str, int], tuple[float, Look]] = {}


def forget() -> None:
    """Called by tests; processes forget by themselves within seconds."""
    _kept.clear()


def _of_realm(realm: Any) -> Look:
    # The database's name is part of the key: tests move between databases inside one process.
    key = (str(connections["default"].settings_dict["NAME"]), realm.pk)
    kept = _kept.get(key)
    if kept is None or kept[0] < time.monotonic():
        kept = _kept[key] = (time.monotonic() + _SECONDS, of_brand(selectors.get_brand(realm.pk), realm.currency))
    return kept[1]


def look(request: HttpRequest) -> dict[str, Any]:
    """``look``: the brand of the realm whose host was asked."""
    realm = getattr(request, "realm", None)
    if realm is None:
        return {"look": plain()}
    return {"look": SimpleLazyObject(lambda: _of_realm(realm))}
