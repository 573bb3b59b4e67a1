"""Objects on a server that carry a service id of BOSS which no living service there has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from boss.core import scoping
from ipservices import sentences
from ipservices.choices import FindingKind, MigrationState, MoveState, ServiceState
from ipservices.contracts import Desired, Held
from ipservices.models import Binding, MigrationItem, Service
from ipservices.registry import drivers
from ipservices.services.noting import Seen
from ipservices.services.places import may_be_one_server

_REF = re.compile(r"svc-[0-9a-z]{12}")


@dataclass(frozen=True, slots=True)
class Stray:
    desired: Desired
    reason: str
    service: Service | None

    def seen(self) -> Seen:
        return Seen(
            kind=FindingKind.ORPHAN,
            place=f"{self.desired.full_kind}:{self.desired.service_ref}:{self.desired.name}",
            full_kind=self.desired.full_kind,
            name=self.desired.name,
            reason=self.reason,
            service_ref=self.desired.service_ref,
            service_id=None if self.service is None else self.service.pk,
            subscription_id=None if self.service is None else self.service.subscription_id,
        )


def suspects(realm_id: int, binding: Binding, held: Sequence[Held]) -> list[Stray]:
    """Which of these no living service of this server has, by our tables alone; whoever asks looks once more."""
    ours = [one for one in held if _REF.fullmatch(one.service_ref)]
    ids = {one.service_ref.removeprefix("svc-") for one in ours}
    with scoping.realm_transaction(realm_id, "comparison"):
        # Nearly all are at home, and only their names are read.
        at_home = Service.objects.filter(public_id__in=ids, binding=binding).exclude(state=ServiceState.TERMINATED)
        ids -= set(at_home.values_list("public_id", flat=True))
        ours = [one for one in ours if one.service_ref.removeprefix("svc-") in ids]
        rows = Service.objects.select_related("binding").filter(public_id__in=ids)
        known = {row.service_ref: row for row in rows}
        moving = being_moved([row.pk for row in known.values()])
    unknown = {ref.removeprefix("svc-") for ref in {one.service_ref for one in ours} - known.keys()}
    others = living_elsewhere(unknown)
    found = []
    for one in ours:
        if one.service_ref.removeprefix("svc-") in others:
            continue
        row = known.get(one.service_ref)
        if row is not None and row.pk in moving:
            continue  # its migration knows that it is in two places
        stray = _of_nobody(binding, one) if row is None else _of_service(binding, one, row)
        if stray is not None:
            found.append(stray)
    return found


def living_elsewhere(public_ids: set[str]) -> set[str]:
    """Ids of living services of other providers of this installation: they may share a server with this one.

    Only whether there is one is asked, never whose: the dispatcher's role reads no more.
    """
    if not public_ids:
        return set()
    with scoping.dispatch_transaction("strays"):
        rows = Service.objects.filter(public_id__in=public_ids).exclude(state=ServiceState.TERMINATED)
        return set(rows.values_list("public_id", flat=True))


def _of_nobody(binding: Binding, one: Held) -> Stray | None:
    full_kind = f"{binding.family}.{one.kind}"
    kind = drivers.find(binding.driver_key)
    if kind is None or full_kind not in kind.capabilities.kinds:
        return None
    desired = stub(one.service_ref, full_kind, one.name)
    thing = sentences.named(full_kind, one.name)
    return Stray(desired, f"The {thing} is at {binding.name}, and BOSS knows no service {one.service_ref}.", None)


def _of_service(binding: Binding, one: Held, row: Service) -> Stray | None:
    if row.family != binding.family or row.kind != one.kind:
        return None  # a server may serve several families; each has a binding of its own
    desired = stub(row.service_ref, row.full_kind, one.name, row.desired)
    thing = sentences.named(row.full_kind, one.name)
    if row.state == ServiceState.TERMINATED:
        return Stray(desired, f"The {thing} is still at {binding.name}, and its service has ended.", row)
    other = row.binding
    if other is None or other.pk == binding.pk or may_be_one_server(binding, other):
        return None
    return Stray(desired, f"The {thing} is at {binding.name} too, and its service lives at {other.name}.", row)


def stub(service_ref: str, full_kind: str, name: str, attributes: Mapping[str, Any] | None = None) -> Desired:
    """Enough of a desired state to look an object up or to take it away."""
    family, _dot, kind = full_kind.partition(".")
    given = dict(attributes or {})
    if full_kind == "dns.host" and not given.get("zone"):
        given["zone"] = name.partition(".")[2]
    return Desired(service_ref=service_ref, family=family, kind=kind, name=name, attributes=given)


def being_moved(service_ids: Sequence[int]) -> set[int]:
    """Of these services, those that a migration under way has in its hands now."""
    items = MigrationItem.objects.filter(
        service__in=service_ids,
        state__in=(MoveState.MOVING, MoveState.RETURNING),
        migration__state=MigrationState.RUNNING,
    )
    return set(items.values_list("service_id", flat=True))


def was_moved_away(service_ref: str, binding: Binding) -> bool:
    """Whether a migration has moved the living service off ``binding`` to where it lives now, and made sure of it."""
    items = MigrationItem.objects.filter(
        service__public_id=service_ref.removeprefix("svc-"),
        state=MoveState.DONE,
        migration__source=binding,
        migration__target=F("service__binding"),
    )
    return bool(items.exists())
