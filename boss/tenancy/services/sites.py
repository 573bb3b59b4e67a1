"""Organizations and sites."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, connections, transaction
from django.utils.translation import gettext as _

from boss.core import audit, locks, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from boss.core.services import service
from boss.tenancy import selectors
from boss.tenancy.errors import SiteExists
from boss.tenancy.models import Organization, Site


@service
def create(
    *,
    actor: Actor,
    street: str,
    city: str,
    unit: str = "",
    region: str = "",
    postal_code: str = "",
    organization: Organization | None = None,
    **details: Any,
) -> Site:
    """Add a service location. ``details``: technology, access_node, serviceable, latitude, longitude, country."""
    require(actor, "tenancy.add_site")

    missing = {
        name: [_("Please fill this in.")] for name, text in (("street", street), ("city", city)) if not text.strip()
    }
    if missing:
        raise InvalidInput(fields=missing)
    address_norm = selectors.normalise_address(street, f"#{unit.removeprefix('#')}" if unit else "", city, postal_code)
    locks.hold(f"tenancy.site:{address_norm}")  # the same address may be added twice at once
    if Site.objects.filter(address_norm=address_norm).exists():
        raise SiteExists(fields={"street": [str(SiteExists.title)]})

    site: Site = Site.objects.create(
        organization=organization,
        street=street.strip(),
        unit=unit.strip(),
        city=city.strip(),
        region=region,
        postal_code=postal_code,
        address_norm=address_norm,
        **details,
    )

    audit.record(actor=actor, action="site.created", subject=site, after={"address": site.label})
    return site


@service
def create_organization(*, actor: Actor, name: str, kind: str = "corporate") -> Organization:
    """Add an organization. Idempotent by name."""
    require(actor, "tenancy.add_organization")

    organization: Organization
    organization, made = Organization.objects.get_or_create(name=name.strip(), defaults={"kind": kind})

    if made:
        audit.record(actor=actor, action="organization.created", subject=organization, after={"kind": kind})
    return organization


@service
def set_serviceable(*, actor: Actor, site: Site, serviceable: bool) -> Site:
    """Say whether orders may be placed at a site."""
    site = Site.objects.select_for_update(of=("self",)).get(pk=site.pk)

    require(actor, "tenancy.change_site", site)

    if site.serviceable == serviceable:
        return site

    site.serviceable = serviceable
    site.save(update_fields=["serviceable"])

    audit.record(
        actor=actor, action="site.serviceable_changed", subject=site, before={"serviceable": not serviceable},
        after={"serviceable": serviceable},
    )  # fmt: skip
    return site


@service
def remove_unused(*, actor: Actor, site: Site) -> bool:
    """Delete a site made by a run that is being undone. False when something hangs on it: then it is only closed."""
    require(actor, "tenancy.change_site", site)

    if not _deleted(site):
        set_serviceable(actor=actor, site=site, serviceable=False)
        return False

    audit.record(actor=actor, action="site.removed", subject=site, before={"address": site.label})
    return True


def _deleted(site: Site) -> bool:
    """The database is asked whether anything names the site, not Django's collector, which knows no other room."""
    using = scoping.alias()
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("DELETE FROM tenancy_site WHERE id = %s", (site.pk,))
            # The foreign keys are deferred: ask them now, while there is a savepoint to go back to.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError:
        return False
    return True
