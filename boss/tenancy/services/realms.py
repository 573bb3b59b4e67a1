"""Making and changing realms. Runs as the platform (system scope): a realm cannot make itself."""

from __future__ import annotations

import hashlib
from typing import Any

from django.db import transaction

from boss.core import audit, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import NotFound
from boss.core.services import service
from boss.tenancy import components, policies, selectors
from boss.tenancy.models import Brand, Calendar, Realm, RealmHost, Role


def create(*, key: str, name: str, hosts: list[str], is_platform: bool = False, **details: Any) -> Realm:
    """Make a realm with its hosts, built-in roles and brand. Idempotent by ``key``; hosts are added, never taken.

    Called by the platform operator's commands; the first of ``hosts`` becomes canonical.
    """
    with scoping.system_transaction(f"realm {key}"):
        realm, made = Realm.objects.get_or_create(
            key=key, defaults={"name": name, "canonical_host": hosts[0], "is_platform": is_platform, **details}
        )
        for host in hosts:
            RealmHost.objects.get_or_create(host=host, defaults={"realm": realm})
    with scoping.realm_transaction(realm.pk, "platform"):
        for role_key, policy in policies.BUILT_IN.items():
            Role.objects.get_or_create(key=role_key, defaults={"name": str(policy.name), "built_in": True})
        Brand.objects.get_or_create(realm_id=realm.pk, defaults={"name": name})
        Calendar.objects.get_or_create(key="business", defaults={"name": "Business hours"})
        if made:
            audit.record(
                actor=Actor.system(realm.pk), action="realm.created", subject=realm, after={"key": key, "hosts": hosts}
            )
    selectors.forget_cached()
    return realm


@service
def change(*, actor: Actor, **changes: Any) -> Realm:
    """Change name, currency, host or another column of a realm, for operators of the platform: no role of a realm holds
    the right. What is so already leaves no trace. Raises Django's ValidationError for what cannot be."""
    realm: Realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, "platform.operate")

    before = {field: getattr(realm, field) for field in changes}
    changed = [field for field, value in changes.items() if before[field] != value]
    if not changed:
        return realm
    for field in changed:
        setattr(realm, field, changes[field])
    realm.full_clean()
    realm.save(update_fields=changed)
    transaction.on_commit(selectors.forget_cached, using=scoping.alias())
    selectors.forget_cached()

    audit.record(
        actor=actor,
        action="realm.changed",
        subject=realm,
        before={field: before[field] for field in changed},
        after={field: changes[field] for field in changed},
    )
    return realm


@service
def change_brand(*, actor: Actor, **changes: Any) -> Brand:
    """Change name, colour, logo or contact of the realm's brand. What is so already leaves no trace."""
    brand: Brand = Brand.objects.select_for_update().get(realm_id=actor.realm_id)

    require(actor, "tenancy.change_brand", brand)

    before = {field: _readable(getattr(brand, field)) for field in changes}
    for field, value in changes.items():
        setattr(brand, field, value)
    after = {field: _readable(getattr(brand, field)) for field in changes}
    changed = [field for field in changes if before[field] != after[field]]
    if not changed:
        return brand
    brand.full_clean()
    brand.save()
    selectors.forget_cached()

    audit.record(
        actor=actor,
        action="brand.changed",
        subject=brand,
        before={field: before[field] for field in changed},
        after={field: after[field] for field in changed},
    )
    return brand


@service
def switch(*, actor: Actor, component: str, on: bool) -> Realm:
    """Switch a part of BOSS on or off for the realm. What is so already leaves no trace; no row is touched.

    Raises :class:`NotFound` for a component that does not exist.
    """
    realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, "tenancy.manage_components")

    if component not in components.COMPONENTS:
        raise NotFound(component=component)
    if (component in realm.components) == on:
        return realm
    before = list(realm.components)
    realm.components = [key for key in components.COMPONENTS if (on if key == component else key in before)]
    realm.save(update_fields=["components"])
    # Other processes follow within seconds.
    transaction.on_commit(selectors.forget_cached, using=scoping.alias())
    selectors.forget_cached()

    audit.record(
        actor=actor,
        action="component.switched_on" if on else "component.switched_off",
        subject=realm,
        before={"components": before},
        after={"components": realm.components},
    )
    return realm


def _readable(value: Any) -> Any:
    """A picture goes into the audit trail as its fingerprint."""
    if value is None or isinstance(value, str):
        return value
    picture = bytes(value)
    return f"{len(picture)} bytes, sha256 {hashlib.sha256(picture).hexdigest()}"
