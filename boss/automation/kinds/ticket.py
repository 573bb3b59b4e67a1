"""A ticket: work for people, in one category and pool, opened once for one key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from boss.automation.contracts import Kind, Target
from boss.automation.errors import CallNotAllowed
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.core.schema import Characteristic
from ticketing import selectors as desk
from ticketing.services import tickets

SETTINGS = (
    Characteristic("category", label=_("Category"), required=True, max_length=60),
    Characteristic("pool", label=_("Talent pool"), max_length=60),
)


def check(settings: Mapping[str, Any]) -> dict[str, list[str]]:
    faults = {}
    if desk.find_category(str(settings.get("category", ""))) is None:
        faults["category"] = [_("There is no such ticket category.")]
    if settings.get("pool") and desk.find_pool(str(settings["pool"])) is None:
        faults["pool"] = [_("There is no such talent pool.")]
    return faults


def call(target: Target, request: Mapping[str, Any]) -> dict[str, Any]:
    """``title`` and ``body``. Gives the ``number``. The record of calls sees to it that one key opens one ticket."""
    if unknown := set(request) - {"title", "body"}:
        raise CallNotAllowed(_("There is no such part of a call: %(names)s.") % {"names": ", ".join(sorted(unknown))})
    try:
        ticket = tickets.open(
            actor=Actor.system(target.realm_id),
            category_key=str(target.settings["category"]),
            pool_key=str(target.settings.get("pool") or "") or None,
            title=str(request.get("title", ""))[:200],
            body=str(request.get("body", ""))[:10_000],
            dedupe_key=f"automation:{target.idempotency_key}"[:200],
        )
    except Problem as error:
        raise CallNotAllowed(str(error)) from error
    return {"number": ticket.number}


def changes(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return True


def repeatable(settings: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    return True


def test(target: Target) -> str:
    category = desk.find_category(str(target.settings["category"]))
    if category is None or category.is_archived:
        raise CallNotAllowed(_("There is no such ticket category."))
    return _("Tickets go to %(category)s.") % {"category": category.name}


def sentence(request: Mapping[str, Any]) -> str:
    return str(request.get("title", ""))[:120]


KIND = Kind(
    "ticket", _("Ticket"), SETTINGS, (), call, changes, repeatable, check, test, sentence,
    needs_transaction=True,
)  # fmt: skip
