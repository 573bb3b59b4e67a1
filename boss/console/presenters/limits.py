"""Limits as people read them: servers by their names, use beside what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from boss.core.actors import Actor
from ipservices import selectors as ipservices
from workflow.models import Limit
from workflow.models.limits import EVERY_TASK


@dataclass(frozen=True, slots=True)
class LimitRow:
    """One limit; ``running`` hold a place of it now, ``waiting`` are ready and find none."""

    public_id: str
    name: str
    key: str
    most_at_once: int | None
    most_per_minute: int | None
    running: int
    waiting: int
    is_full: bool
    edit_url: str


def names(actor: Actor, known: Iterable[str]) -> dict[str, str]:
    """What can be limited, by key: everything, each server, and what is limited already."""
    servers = ipservices.list_bindings(actor) if actor.holds("ipservices.view_binding") else []
    found = {EVERY_TASK: _("All automated tasks together")}
    found |= {binding.limit_key: _("Server %(name)s") % {"name": binding.name} for binding in servers}
    return found | {key: key for key in known if key not in found}


def numbers(limit: Limit) -> dict[str, Any]:
    return {"key": limit.key, "most_at_once": limit.most_at_once, "most_per_minute": limit.most_per_minute}


def row(limit: Limit, names: Mapping[str, str]) -> LimitRow:
    running, waiting = limit.running, limit.waiting  # type: ignore[attr-defined]
    return LimitRow(
        public_id=limit.public_id,
        name=names.get(limit.key, limit.key),
        key=limit.key,
        most_at_once=limit.most_at_once,
        most_per_minute=limit.most_per_minute,
        running=running,
        waiting=waiting,
        is_full=limit.most_at_once is not None and running >= limit.most_at_once,
        edit_url=f"{reverse('console:limits')}?{urlencode({'key': limit.key})}#set",
    )
