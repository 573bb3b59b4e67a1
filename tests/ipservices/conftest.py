"""A realm with simulated servers, addresses and numbers, and customers with a triple play subscription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import Realm
from boss.tenancy.services import sites
from catalog import preload
from catalog.configuration import configure
from catalog.pricing import OptionChoice
from catalog.services import plans
from ipservices import handlers
from ipservices.models import Binding, SimulatedObject
from ipservices.services import bindings, numbers, prefixes
from subscribers.contact import ContactDetails
from subscribers.models import Subscription
from subscribers.normalise import address_keys
from subscribers.services import accounts
from tests.catalog.conftest import triple
from workflow.contracts import Outcome, TaskContext, UndoContext

FAMILIES = ("access", "ip", "dns", "mail", "voip", "e911", "iptv", "cpe")
HANDLERS = {handler.key: handler for handler in handlers.EVERY}


@dataclass
class Network:
    """Alpha's network: every helper opens its own transactions, as workers do."""

    realm: Realm
    bindings: dict[str, Binding]
    subscription: Subscription
    streets: int = 1
    plan: Any = None
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def system(self) -> Actor:
        return Actor.system(self.realm.pk)

    def run(self, key: str, run: str = "run-1", attempt: int = 1, **inputs: Any) -> Outcome | None:
        """Call a task handler as the engine does."""
        handler = HANDLERS[f"ipservices.{key}"]
        context = self._context(TaskContext, key, run, attempt, inputs)
        if not handler.local:
            with scoping.enter(scoping.Scope(self.realm.pk, "workflow")):
                return handler.run(context)
        with scoping.realm_transaction(self.realm.pk):
            return handler.run(context)

    def undo(self, key: str, run: str = "run-1", finished: bool = True, **inputs: Any) -> Outcome | None:
        handler = HANDLERS[f"ipservices.{key}"]
        forward = self._context(TaskContext, key, run, 1, inputs)
        context = self._context(
            UndoContext,
            f"undo {key}",
            run,
            1,
            inputs,
            outputs=self.outputs.get(key, {}),
            finished=finished,
            forward_key=forward.idempotency_key,
        )
        assert handler.undo is not None
        if not handler.local:
            with scoping.enter(scoping.Scope(self.realm.pk, "workflow")):
                return handler.undo(context)
        with scoping.realm_transaction(self.realm.pk):
            return handler.undo(context)

    def _context(self, cls: Any, key: str, run: str, attempt: int, inputs: dict[str, Any], **more: Any) -> Any:
        return cls(
            realm_id=self.realm.pk,
            actor=self.system,
            run_id=1,
            task_id=1,
            task_key=key,
            attempt=attempt,
            inputs={"subscription_id": self.subscription.pk, **inputs},
            idempotency_key=f"{run}:{key}:{inputs.get('family', '')}",
            subject=None,
            heartbeat=lambda: True,
            **more,
        )

    def held(self) -> list[str]:
        """What the simulated servers hold, the outside view."""
        with scoping.realm_transaction(self.realm.pk):
            rows = SimulatedObject.objects.select_related("server").order_by("server__name", "full_kind", "name")
            return [f"{row.server.name}: {row.full_kind} {row.name} {row.attributes} {row.restriction}" for row in rows]


def subscribe(realm: Realm, plan: Any, number: int = 1, options: tuple[OptionChoice, ...] = ()) -> Subscription:
    """A customer with a pending triple play at an address of his own; call it in a transaction."""
    system = Actor.system(realm.pk)
    site = sites.create(
        actor=system,
        street=f"{number} Elm Street",
        city="Lakeview",
        postal_code="55001",
        technology="hfc",
        access_node="node-17",
    )
    contact = ContactDetails("Maria Ortiz", f"maria{number}@home.example", f"+1555555{number:04}")
    account = accounts.open(actor=system, contact=contact, site=site)
    configured = configure(plan, [OptionChoice("self-install"), *options], {"mail.mailbox": {"address": "maria"}})
    address_key, street_key = address_keys(site.street, site.unit)
    subscription: Subscription = Subscription.objects.create(
        account=account,
        site=site,
        plan_version=plan,
        features=[feature.to_json() for feature in configured.features],
        address_key=address_key,
        street_key=street_key,
    )
    return subscription


def furnish(realm: Realm) -> tuple[dict[str, Binding], Any]:
    """Servers, ranges, numbers and a plan; call it in a transaction."""
    system = Actor.system(realm.pk)
    made = {
        family: bindings.create(
            actor=system,
            family=family,
            driver_key="simulator",
            name=f"{family} server",
            settings={"server": family},
            deadline_seconds=2,
        )
        for family in FAMILIES
    }
    prefixes.create(actor=system, network="203.0.113.0/28", gateway="203.0.113.1")
    prefixes.create(actor=system, network="198.51.100.0/28", purpose="static")
    prefixes.create(actor=system, network="2001:db8::/40", unit_length=56)
    numbers.add_block(actor=system, first="+15555550100", count=5, area="Lakeview")
    preload.load(system)
    plan = plans.publish_version(actor=system, key="triple-300", title="Triple 300", version=triple(currency="USD"))
    return made, plan


@pytest.fixture
def network(cast: Any) -> Network:
    """In the test's rolled-back transaction; with real commits when the test also takes ``real_db``."""
    with scoping.realm_transaction(cast.alpha.pk):
        made, plan = furnish(cast.alpha)
        return Network(cast.alpha, made, subscribe(cast.alpha, plan), plan=plan)


@pytest.fixture
def in_alpha(cast: Any) -> Callable[[], Any]:
    """``with in_alpha():`` a transaction in Alice's realm."""
    return lambda: scoping.realm_transaction(cast.alpha.pk, "test")
