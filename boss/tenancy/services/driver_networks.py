"""Which private networks a realm's drivers and endpoints may reach: the operator of the installation says so."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from boss.core import audit, scoping
from boss.core.actors import Actor
from boss.core.networks import NetworkRefused, listed, still_listed
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors
from boss.tenancy.models import Realm

KEY = "driver_networks"
MOST = 100


def of_realm(realm: Realm) -> tuple[str, ...]:
    """What is listed for the realm itself."""
    return still_listed(realm.settings.get(KEY, []))


def reachable_from(realm: Realm) -> tuple[str, ...]:
    """The realm's own, and those of the whole installation (``BOSS_DRIVER_NETWORKS``)."""
    return (*settings.BOSS_DRIVER_NETWORKS, *of_realm(realm))


@service
def allow(*, actor: Actor, networks: Iterable[str]) -> Realm:
    """Let the realm's drivers reach these networks and no others. What is so already leaves no trace.

    For operators of the platform: no role of a realm holds the right. Raises InvalidInput with a sentence for each
    network that cannot be listed.
    """
    realm: Realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, "platform.operate")

    after, refused = [], []
    for text in networks:
        try:
            after.append(listed(text))
        except NetworkRefused as error:
            refused.append(str(error))
    if len(after) > MOST:
        refused.append(f"{len(after)} > {MOST}")
    if refused:
        raise InvalidInput(fields={KEY: refused})

    after = sorted(set(after))
    before = list(realm.settings.get(KEY, []))
    if before == after:
        return realm
    realm.settings = realm.settings | {KEY: after}
    realm.save(update_fields=["settings"])
    # Other processes follow within seconds.
    transaction.on_commit(selectors.forget_cached, using=scoping.alias())
    selectors.forget_cached()

    audit.record(
        actor=actor, action="realm.driver_networks_changed", subject=realm, before={KEY: before}, after={KEY: after}
    )
    return realm
