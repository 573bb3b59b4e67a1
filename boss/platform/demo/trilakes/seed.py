"""The seed of Tri-Lakes Cable: what must be there for the first page, and what grows afterwards."""

from __future__ import annotations

import os
from collections.abc import Iterator

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo import building
from boss.platform.demo.registry import Login, Progress, Seed
from boss.platform.demo.trilakes import accounts, desk, life, network, people, places, plans, talents
from boss.tenancy.models import Realm
from boss.tenancy.services import realms

KEY = "trilakes"


def make_realm() -> Realm:
    """The provider with its hosts. Links in its mail lead to the port `manage.py up` listens on."""
    realm = realms.create(
        key=KEY,
        name="Tri-Lakes Cable",
        hosts=[
            *("localhost", "127.0.0.1", "trilakes.localhost", "my.trilakes.example"),
            *os.environ.get("BOSS_HOSTS", "").split(),
        ],
        time_zone="America/Chicago",
        languages=["en"],
        settings={
            "scheme": "http",
            "provisioning": {"host_zone": network.HOST_ZONE, "mail_domain": network.MAIL_DOMAIN},
        },
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


def minimum() -> None:
    """Provider, staff, desk, servers, catalog, workflows, and the addresses that are free to sign up at."""
    realm = make_realm()
    with scoping.realm_transaction(realm.pk, "demo"):
        actor = Actor.system(realm.pk, "Demo")
        building.make_desk(actor, desk.POOLS, desk.CATEGORIES)
        building.make_staff(actor, people.STAFF, people.DOMAIN, people.PASSWORD)
        talents.arrange(actor)
        network.make_servers(actor)
        network.bind_lab(actor)
        network.make_inventories(actor)
        building.make_catalog(actor, plans.PLANS)
        building.make_workflows(actor, *plans.DEFINITIONS)
        organizations = building.make_organizations(actor, places.ORGANIZATIONS)
        for place in places.FREE:
            building.make_site(actor, place, organizations)


def rest() -> Iterator[Progress]:
    """400 accounts with their services, and what happens at the desk as soon as those it concerns are there."""
    with scoping.system_transaction("demo"):
        realm_id = Realm.objects.values_list("pk", flat=True).get(key=KEY)
    has_happened = False
    for progress in accounts.grow(realm_id):
        yield progress
        if not has_happened and progress.done >= life.NEEDED:
            has_happened = True
            life.happen(realm_id)


def logins() -> tuple[Login, ...]:
    """One person of each role."""
    shown = [person for person in people.STAFF if person.what]
    return tuple(Login(person.what, person.email(people.DOMAIN), people.PASSWORD, "/console/") for person in shown)


SEED = Seed(
    minimum=minimum,
    rest=rest,
    logins=logins(),
    try_first=(
        "Sign up at {url}/ with the address 14 Elm Street, Lakeview, the plan Triple 300 and the card token tok_ok",
        "Watch it as alice@trilakes.example: search for the name you gave, open the order, see the graph fill",
        "Finish the three manual tasks as alice (window), dana (equipment) and frank (visit) from their inboxes",
        "See an outage told and answered, once some accounts are there: Tickets, Outages, as nate@trilakes.example",
        "Let the same walk be done by itself: python3 manage.py tour (--fail mail, --reverse, --kill-worker)",
    ),
)
