"""Template context: the realm and its brand."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from boss.tenancy import selectors


def realm(request: HttpRequest) -> dict[str, Any]:
    current = getattr(request, "realm", None)
    if current is None:
        return {"realm": None, "brand": None, "actor": None}
    return {
        "realm": current,
        "brand": SimpleLazyObject(lambda: selectors.get_brand(current.pk)),
        "actor": getattr(request, "actor", None),
    }
