"""What a realm asks of those who sign in, changed by its administrator."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext as _

from boss.core import audit
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors, sign_in_rules
from boss.tenancy.models import Realm, Role


@service
def change(*, actor: Actor, second_factor_roles: list[str], minutes: Mapping[str, Mapping[str, int]]) -> Realm:
    """Demand a second factor of the holders of some roles, and let sessions end sooner than the house's limits.

    ``minutes`` is by kind of user ("staff", "subscriber", "contact") and limit ("idle", "absolute"); what is left out
    stays with the house's own, of contacts with the subscribers'. Holders without a factor are led to set one up with
    their next click. Raises :class:`InvalidInput` with fields ``second_factor_roles`` and ``<kind>_<limit>``.
    """
    realm: Realm = Realm.objects.select_for_update().get(pk=actor.realm_id)

    require(actor, "tenancy.change_realm")

    fields: dict[str, list[str]] = {}
    known = set(Role.objects.values_list("key", flat=True)) | {sign_in_rules.PLATFORM_OPERATOR}
    if not set(second_factor_roles) <= known:
        fields["second_factor_roles"] = [_("There is no such role.")]
    for kind, limits in minutes.items():
        longest = sign_in_rules.LONGEST[kind]
        for limit, given in limits.items():
            most = int(getattr(longest, limit).total_seconds() // 60)
            if not 1 <= given <= most:
                fields[f"{kind}_{limit}"] = [_("Choose between 1 and %(most)d minutes.") % {"most": most}]
    if fields:
        raise InvalidInput(fields=fields)

    before = realm.settings.get(sign_in_rules.KEY, {})
    after = {
        "second_factor_roles": sorted(set(second_factor_roles)),
        "minutes": {kind: dict(limits) for kind, limits in minutes.items() if limits},
    }
    if before == after:
        return realm
    realm.settings = realm.settings | {sign_in_rules.KEY: after}
    realm.save(update_fields=["settings"])
    selectors.forget_cached()

    audit.record(actor=actor, action="realm.sign_in_rules_changed", subject=realm, before=before, after=after)
    return realm
