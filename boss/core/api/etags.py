"""``ETag`` and ``If-Match``: nobody overwrites what another person changed in the meantime."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request
from rest_framework.utils.encoders import JSONEncoder

from boss.core.problems import Problem


class ChangedMeanwhile(Problem):
    """Somebody else changed it after it was read."""

    code = "core.changed_meanwhile"
    status = 412
    title = _("Somebody else has changed this in the meantime. Read it again, then repeat your change.")


class IfMatchRequired(Problem):
    """A change must name the version it is based on."""

    code = "core.if_match_required"
    status = 428
    title = _("Send If-Match with the ETag of the version you are changing.")


def etag(representation: Any) -> str:
    """A strong tag of what the reader was shown."""
    shown = json.dumps(representation, sort_keys=True, cls=JSONEncoder)
    return f'"{hashlib.sha256(shown.encode()).hexdigest()[:32]}"'


def check(request: Request, current: str) -> None:
    """Refuse a change of another version than ``current``."""
    given = request.headers.get("If-Match")
    if given is None:
        raise IfMatchRequired
    if given.strip() != "*" and current not in (tag.strip() for tag in given.split(",")):
        raise ChangedMeanwhile


def unchanged(request: Request, current: str) -> bool:
    """Whether the reader already has ``current`` (``If-None-Match``)."""
    given = request.headers.get("If-None-Match", "")
    return current in (tag.strip().removeprefix("W/") for tag in given.split(","))
