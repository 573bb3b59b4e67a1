"""Tri-Lakes Cable's ground: the realm, its people, the desk, the catalog, the workflows. Every step may be repeated."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo.trilakes import desk, people, places, plans
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Organization, Realm, Site
from boss.tenancy.services import realms, roles, sites, users
from catalog import preload
from catalog.models import Plan
from catalog.services import plans as catalog
from ticketing import selectors as ticketing
from ticketing.services import categories, pools
from workflow.models import DefinitionVersion
from workflow.services import definitions

DEFINITIONS = Path(__file__).parent.parent / "definitions"


def make_realm() -> Realm:
    """The provider with its hosts. Links in its mail lead to the port `manage.py up` listens on."""
    realm = realms.create(
        key="trilakes",
        name="Tri-Lakes Cable",
        hosts=["localhost", "127.0.0.1", "trilakes.localhost", "my.trilakes.example"],
        time_zone="America/Chicago",
        languages=["en"],
        settings={"scheme": "http"},
        canonical_host=f"localhost:{os.environ.get('BOSS_PORT', '8000')}",
    )
    with scoping.realm_transaction(realm.pk, "demo"):
        realms.change_brand(
            actor=Actor.system(realm.pk, "Demo"),
            name="Tri-Lakes Cable",
            colour="#0ca678",
            phone="+1 555 555 0100",
            email="hello@trilakes.example",
            tagline="Internet, TV and voice around the three lakes",
        )
    return realm


def make_staff(actor: Actor, staff: tuple[people.Person, ...], password: str) -> None:
    """Log-ins by role, each in the talent pools the person works in."""
    for person in staff:
        user = tenancy.find_user_by_email(person.email)
        if user is None:
            user = users.create(
                actor=actor, email=person.email, full_name=person.name, kind="staff", password=password
            )
        roles.grant(actor=actor, user=user, role_key=person.role)
        for key in person.pools:
            pool = ticketing.find_pool(key)
            if pool is not None:
                pools.add_member(actor=actor, pool=pool, user=user)


def make_desk(actor: Actor) -> None:
    """Talent pools and ticket categories."""
    for key, name, description in desk.POOLS:
        if ticketing.find_pool(key) is None:
            pools.create(actor=actor, key=key, name=name, description=description)
    for seed in desk.CATEGORIES:
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


def make_catalog(actor: Actor, sold: tuple[plans.PlanSeed, ...]) -> None:
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
    """Publish the definitions, unless the published version says the same already."""
    for name in names:
        document = yaml.safe_load((DEFINITIONS / f"{name}.yaml").read_text())
        latest = DefinitionVersion.objects.filter(definition__key=document["key"]).order_by("-number").first()
        if latest is None or latest.document != document:
            definitions.publish(actor=actor, document=document)


def make_organizations(actor: Actor) -> dict[str, Organization]:
    return {
        name: sites.create_organization(actor=actor, name=name, kind=kind) for name, kind in places.ORGANIZATIONS
    }


def make_site(actor: Actor, place: places.Place, organizations: dict[str, Organization]) -> Site:
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
