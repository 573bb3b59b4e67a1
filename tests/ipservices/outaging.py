"""A street with two nodes: three households at node-17, one at node-18, and a desk that works on outages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import Realm, Site, User
from boss.tenancy.services import sites
from catalog.models import Plan, PlanVersion
from ipservices.models import Outage, OutageUpdate
from ipservices.services import outages
from ipservices.services.outages import telling
from subscribers.contact import ContactDetails
from subscribers.models import Account, Subscription
from subscribers.services import accounts
from tests.cast import actor_of, make_user
from ticketing.models import Ticket
from ticketing.services import categories, pools, tickets

TEXT = "Internet is down in Elm Street. A cable was cut."
BACK = "The cable is mended. Internet works again."


@dataclass
class Street:
    realm: Realm
    noc: Actor
    version: PlanVersion
    homes: list[Account] = field(default_factory=list)
    """Maria, Ned and Olga at node-17."""
    neighbour: Account | None = None
    """Pia at node-18."""

    def move_in(
        self, name: str, number: int, node: str, *, signs_in: bool = True, email: str = "", **at: Any
    ) -> Account:
        """Somebody who is served at an address of his own."""
        system = Actor.system(self.realm.pk)
        email = email or f"{name.lower()}@home.example"
        with scoping.realm_transaction(self.realm.pk):
            where = {"city": "Lakeview", "postal_code": "55001", **at}
            site: Site = sites.create(actor=system, street=f"{number} Elm Street", access_node=node, **where)
            account = accounts.open(
                actor=system, contact=ContactDetails(name, email, f"+1555555{number:04}"), site=site
            )
            Subscription.objects.create(account=account, site=site, plan_version=self.version, state="active")
        if signs_in:
            user = make_user(self.realm, email, name, "subscriber", kind="subscriber", own=True)
            with scoping.realm_transaction(self.realm.pk):
                User.objects.filter(pk=user.pk).update(site=site)
                Account.objects.filter(pk=account.pk).update(user=user)
        with scoping.realm_transaction(self.realm.pk):
            found: Account = Account.objects.select_related("user", "site").get(pk=account.pk)
        return found

    def open(self, **more: Any) -> Outage:
        with scoping.realm_transaction(self.realm.pk):
            return open_outage(self.noc, **more)

    def tell(self) -> None:
        """What workers do after the commit."""
        with scoping.realm_transaction(self.realm.pk):
            waiting = list(OutageUpdate.objects.filter(finished_at=None).order_by("seq").values_list("pk", flat=True))
        for pk in waiting:
            telling.go_on(realm_id=self.realm.pk, update_id=pk)

    def ask(self, account: Account, title: str = "No internet") -> Ticket:
        """A subscriber opens a ticket himself."""
        assert account.user is not None
        actor = actor_of(account.user)
        with scoping.realm_transaction(self.realm.pk):
            return tickets.open(actor=actor, category_key="internet", title=title, body="Since noon.")


def open_outage(actor: Actor, **more: Any) -> Outage:
    given: dict[str, Any] = {
        "category_key": "outage", "title": "Node 17 is down", "text": TEXT, "scopes": [("node", "node-17")],
    }  # fmt: skip
    return outages.open(actor=actor, **{**given, **more})


def furnish(realm: Realm) -> Street:
    """Write the street; call it outside of a transaction, or inside the test's own."""
    system = Actor.system(realm.pk)
    with scoping.realm_transaction(realm.pk):
        pool = pools.create(actor=system, key="noc", name="Network operations")
        categories.create(actor=system, key="outage", name="Outage", kind="incident", default_pool=pool)
        categories.create(actor=system, key="internet", name="Internet", default_pool=pool, portal_visible=True)
        plan = Plan.objects.create(key="net", title="Net")
        version: PlanVersion = PlanVersion.objects.create(plan=plan, number=1, currency="USD")
    noc = actor_of(make_user(realm, "noc@alpha.example", "Nina Noc", "noc"))
    street = Street(realm, noc, version)
    street.homes = [street.move_in(name, number, "node-17") for number, name in ((1, "Maria"), (2, "Ned"), (3, "Olga"))]
    street.neighbour = street.move_in("Pia", 40, "node-18")
    return street
