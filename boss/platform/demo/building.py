"""What every demo provider is built of, through the services. Every step may be repeated: it adds what is missing."""

from __future__ import annotations

from pathlib import Path

from boss.core.actors import Actor
from boss.platform.demo.shapes import CategorySeed, Person, Place, PlanSeed, PoolSeed
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Site
from boss.tenancy.services import roles, sites, users
from catalog import preload
from catalog.models import Plan
from catalog.services import plans as catalog
from ticketing import selectors as ticketing
from ticketing.services import categories, pools
from workflow.services import definitions

DEFINITIONS = Path(__file__).parent / "definitions"


def make_staff(actor: Actor, staff: tuple[Person, ...], domain: str, password: str) -> None:
    """Log-ins by role, each in the talent pools the person works in."""
    for person in staff:
        email = person.email(domain)
        user = tenancy.find_user_by_email(email)
        if user is None:
            user = users.create(actor=actor, email=email, full_name=person.name, kind="staff", password=password)
        roles.grant(actor=actor, user=user, role_key=person.role)
        for key in person.pools:
            pool = ticketing.find_pool(key)
            if pool is not None:
                pools.add_member(actor=actor, pool=pool, user=user)


def make_desk(actor: Actor, wanted_pools: tuple[PoolSeed, ...], wanted: tuple[CategorySeed, ...]) -> None:
    """Talent pools and ticket categories."""
    for key, name, description in wanted_pools:
        if ticketing.find_pool(key) is None:
            pools.create(actor=actor, key=key, name=name, description=description)
    for seed in wanted:
        if ticketing.find_category(seed.key) is None:
            categories.create(
                actor=actor,
                key=seed.key,
                name=seed.name,
                kind=seed.kind,
                default_pool=ticketing.find_pool(seed.pool),
                priority=seed.priority,
                portal_visible=seed.portal_visible,
                first_reply_target=seed.reply,
                resolve_target=seed.resolve,
                fields=seed.fields,
            )


def make_catalog(actor: Actor, sold: tuple[PlanSeed, ...]) -> None:
    """The standard features, and the plans on sale."""
    preload.load(actor)
    known = set(Plan.objects.values_list("key", flat=True))
    for position, seed in enumerate(sold):
        if seed.key not in known:
            catalog.publish_version(
                actor=actor,
                key=seed.key,
                title=seed.title,
                summary=seed.summary,
                category=seed.category,
                position=(position + 1) * 10,
                version=seed.version,
            )


def make_workflows(actor: Actor, *names: str) -> None:
    """Publish the definitions; one that is published already stays as it is."""
    for name in names:
        definitions.publish(actor=actor, document=(DEFINITIONS / f"{name}.yaml").read_text())


def make_organizations(actor: Actor, wanted: tuple[tuple[str, str], ...]) -> dict[str, Organization]:
    """Organizations by name; ``wanted`` holds name and kind."""
    return {name: sites.create_organization(actor=actor, name=name, kind=kind) for name, kind in wanted}


def make_site(actor: Actor, place: Place, organizations: dict[str, Organization]) -> Site:
    """The site at ``place``, made now if it is not there."""
    unit = f"#{place.unit}" if place.unit else ""
    norm = tenancy.normalise_address(place.street, unit, place.city, place.postal_code)
    found: Site | None = Site.objects.filter(address_norm=norm).first()
    return found or sites.create(
        actor=actor,
        street=place.street,
        unit=place.unit,
        city=place.city,
        region="IL",
        postal_code=place.postal_code,
        organization=organizations.get(place.organization),
        technology=place.technology,
        access_node=place.access_node,
    )
