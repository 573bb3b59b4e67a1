"""What tests of comparisons and migrations share."""

from __future__ import annotations

from typing import Any

from boss.core import scoping
from boss.core.actors import Actor
from ipservices.models import Binding, Comparison, Finding, Service, SimulatedObject
from ipservices.services import comparing
from subscribers.models import Subscription
from tests.ipservices.conftest import Network
from tests.workflow.driving import drive

BOX = "maria@alpha.example"


def served(network: Network) -> None:
    """The subscription is in service: everything planned, set aside and set up."""
    for step in ("design_services", "reserve_address", "assign_number", "activate_services"):
        network.run(step)
    with scoping.realm_transaction(network.realm.pk):
        Subscription.objects.filter(pk=network.subscription.pk, state="pending").update(state="active")


def compare(network: Network, family: str = "mail") -> list[Finding]:
    """Compare the server of a family from beginning to end; what is open about it then, oldest first."""
    return compare_binding(network, network.bindings[family])


def compare_binding(network: Network, binding: Binding) -> list[Finding]:
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=binding)
    for _turn in range(100):
        if comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk):
            break
    with scoping.realm_transaction(network.realm.pk):
        done = Comparison.objects.get(pk=comparison.pk)
        assert done.finished_at is not None
        assert done.error == ""
        return open_findings(binding)


def open_findings(binding: Binding) -> list[Finding]:
    rows = Finding.objects.select_related("binding", "service").filter(binding=binding, resolved_at=None)
    return list(rows.order_by("id"))


def do(network: Network, actor: Actor, verb: Any, finding: Finding) -> Finding:
    """A person asks, the engine's workers do it; the finding afterwards."""
    with scoping.realm_transaction(network.realm.pk):
        verb(actor=actor, finding=finding)
    drive(network.realm.pk)
    return again(network, finding)


def again(network: Network, finding: Finding) -> Finding:
    with scoping.realm_transaction(network.realm.pk):
        row: Finding = Finding.objects.select_related("binding", "service").get(pk=finding.pk)
        return row


def box_of(network: Network) -> Service:
    with scoping.realm_transaction(network.realm.pk):
        row: Service = Service.objects.get(name=BOX, state__in=("active", "suspended"))
        return row


def on_server(network: Network, server: str, full_kind: str = "mail.mailbox", name: str = BOX) -> dict[str, Any] | None:
    """What the simulated server holds of an object."""
    with scoping.realm_transaction(network.realm.pk):
        row = SimulatedObject.objects.filter(server__name=server, full_kind=full_kind, name=name).first()
        if row is None:
            return None
        return {
            "service_ref": row.service_ref,
            "attributes": row.attributes,
            "restriction": row.restriction,
            "switched_off": row.switched_off,
            "secret_digests": row.secret_digests,
        }
