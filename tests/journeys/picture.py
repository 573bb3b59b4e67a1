"""A picture of everything a run may touch in a realm: what the simulated servers hold and what our tables say.

Equal pictures before a run and after its reversal mean that nothing of it is left in effect. What stays on purpose is
not in it: history (ADR 0030) and rows that have ended. A model in neither list fails a test, so none is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import Q

from boss.core import scoping
from boss.tenancy import models as tenancy
from catalog import models as catalog
from ipservices import models as ipservices
from subscribers import models as subscribers


@dataclass(frozen=True)
class Shown:
    """Rows of a model as the picture shows them: without those that have ended, without columns that only count."""

    model: type[models.Model]
    ended: Q | None = None
    without: tuple[str, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        found = self.model.objects.all() if self.ended is None else self.model.objects.exclude(self.ended)
        rows = [{key: value for key, value in row.items() if key not in self.without} for row in found.values()]
        return sorted(rows, key=repr)


PICTURED = (
    Shown(tenancy.Organization),
    Shown(tenancy.Site),
    Shown(tenancy.User, Q(is_active=False), ("last_login",)),
    Shown(tenancy.RoleGrant, Q(user__is_active=False)),
    Shown(subscribers.Account, Q(state="closed")),
    Shown(subscribers.AccountContact),
    Shown(subscribers.Subscription, Q(state="terminated")),
    Shown(subscribers.Charge, Q(state="reversed")),
    Shown(subscribers.CardHold, Q(state__in=["voided", "declined"])),
    Shown(subscribers.Order, Q(state="cancelled")),
    Shown(subscribers.OrderItem, Q(order__state="cancelled")),
    Shown(subscribers.Statement),
    Shown(subscribers.Payment),
    Shown(subscribers.Collection, Q(state="settled")),
    Shown(subscribers.Lease, Q(state="withdrawn")),
    # Revisions only grow; when it was last looked at says nothing about what is there.
    Shown(ipservices.Service, Q(state="terminated"), ("revision", "applied_revision", "observed_at")),
    # An address set aside again is another row; whose it is and which task gave it is the same.
    Shown(ipservices.AddressAssignment),
    Shown(ipservices.PhoneNumber, Q(state="left"), ("changed_at",)),
    Shown(ipservices.PortHold, Q(state="released")),
    Shown(ipservices.PortRequest, Q(state="cancelled"), ("changed_at",)),
    Shown(ipservices.Prefix),
    Shown(ipservices.Binding, None, ("usage_cursor", "lease_cursor", "healthy")),
    Shown(ipservices.ContainerLock),
)

# What has happened, and what only counts or names things: it stays, and says so to whoever looks.
HISTORY: Mapping[type[models.Model], str] = {
    ipservices.Outage: "only people open one",
    ipservices.OutageScope: "only people open one",
    ipservices.OutageMember: "only people open one",
    ipservices.OutageTicket: "only people open one",
    ipservices.OutageUpdate: "only people open one",
    ipservices.OutageNotice: "only people open one",
    ipservices.Migration: "only people begin one",
    ipservices.MigrationItem: "only people begin one",
    ipservices.Comparison: "looks at servers, by the clock",
    ipservices.Finding: "what those looks found",
    ipservices.DriverCall: "every call of a driver stays readable",
    ipservices.FormerState: "what was kept for undo, marked as restored",
    ipservices.ObservedLease: "who really had an address is asked for years later",
    ipservices.LeaseHistory: "who had an address when is asked for years later",
    ipservices.UsageRecord: "what was used was used",
    ipservices.HealthSample: "looks at servers, by the clock",
    ipservices.BindingNode: "the provider's machines, set up by an administrator",
    ipservices.ConformanceReport: "trials of servers, asked for by an administrator",
    ipservices.SimulatedEffect: "the outside judge's log of the simulated servers",
    ipservices.SimulatedServer: "comes into being when it is first asked; its objects are in the picture",
    subscribers.NameWord: "the vocabulary of search only grows",
}
APART: tuple[type[models.Model], ...] = (ipservices.SimulatedObject, ipservices.FreeRange)
"""Shown in ways of their own below."""

UNTOUCHED: tuple[type[models.Model], ...] = (
    *(model for model in vars(catalog).values() if isinstance(model, type) and issubclass(model, models.Model)),
    tenancy.Brand, tenancy.Calendar, tenancy.Role, tenancy.ApiKey, tenancy.Session, tenancy.SignInFailure,
    tenancy.Totp, tenancy.RecoveryCode, tenancy.Passkey, tenancy.ActingSession, tenancy.SignInProvider,
    tenancy.SignInIdentity,
)  # fmt: skip
"""No task handler has a way to them."""


def of_realm(realm_id: int) -> dict[str, Any]:
    """The picture of a realm, comparable with ``==``."""
    with scoping.realm_transaction(realm_id, "picture"):
        found: dict[str, Any] = {shown.model.__name__: shown.rows() for shown in PICTURED}
        found["on the servers"] = _on_the_servers()
        found["free"] = _free()
    return found


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, short enough to be read in a failing test: per place, what is missing and what is too much."""
    found = {}
    for place in before:
        if before[place] != after[place]:
            missing = [row for row in before[place] if row not in after[place]]
            too_much = [row for row in after[place] if row not in before[place]]
            found[place] = {"missing": _essence(missing, too_much), "too much": _essence(too_much, missing)}
    return found


def models_of(*modules: Any) -> set[type[models.Model]]:
    return {
        model
        for module in modules
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, scoping.RealmScoped)
    }


def _on_the_servers() -> list[dict[str, Any]]:
    """Every native object with its server's name; how often it was changed, and when last, only counts."""
    rows = ipservices.SimulatedObject.objects.select_related("server").order_by("server__name", "full_kind", "name")
    return [
        {
            "server": row.server.name,
            "object": f"{row.full_kind} {row.name}",
            "service_ref": row.service_ref,
            "attributes": row.attributes,
            "restriction": row.restriction,
            "switched_off": sorted(row.switched_off),
            "secret_digests": row.secret_digests,
        }
        for row in rows
    ]


def _free() -> list[tuple[int, int, int]]:
    """Free units of every prefix, neighbouring ranges put together: how they are cut says nothing."""
    merged: list[tuple[int, int, int]] = []
    for row in ipservices.FreeRange.objects.order_by("prefix_id", "lo"):
        if merged and merged[-1][0] == row.prefix_id and merged[-1][2] + 1 == row.lo:
            merged[-1] = (row.prefix_id, merged[-1][1], row.hi)
        else:
            merged.append((row.prefix_id, row.lo, row.hi))
    return merged


def _essence(rows: list[Any], others: list[Any]) -> list[Any]:
    """Of rows that have a counterpart only what differs."""
    shown: list[Any] = []
    for row in rows[:5]:
        other = next((one for one in others if isinstance(one, dict) and _same(one, row)), None)
        if not isinstance(row, dict) or other is None:
            shown.append(row)
            continue
        shown.append({key: value for key, value in row.items() if value != other.get(key)})
    return shown


def _same(one: dict[str, Any], row: dict[str, Any]) -> bool:
    names = ("id",) if "id" in row else ("server", "object")
    return all(one.get(name) == row.get(name) for name in names)
