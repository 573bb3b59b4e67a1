"""What a comparison asks of our database, to the statement: the same for a batch of five services as for one of forty.

Counted on the wire as :mod:`test_cost_of_an_activation` does. What differs is looked at again under its container's
lease, each by itself where the containers are many: that is the one part that grows, by a constant.
"""

from __future__ import annotations

import pytest

from boss.core import scoping
from ipservices.drivers.simulator import client
from ipservices.models import Finding, Service
from ipservices.services import comparing
from tests.exchanges import exchanges
from tests.ipservices.comparing import served
from tests.ipservices.conftest import Network
from tests.ipservices.test_cost_of_an_activation import cost, told

FEW, MANY = 5, 40
OF_A_COMPARISON = {"statements": 38, "transactions": 18}
"""The whole of it, three stages of one batch each, with a finding of each service that was not there before."""
FOUND_AGAIN = {"statements": 37, "transactions": 18}
"""The same once more, when nothing has changed."""
OF_A_DIFFERENCE = {"statements": 3, "transactions": 3}
"""What each service more costs that the server holds otherwise: its lease taken, the row read, the lease given back."""


def boxes(network: Network, first: int, last: int) -> None:
    """Mailboxes in service at their server that are not part of what is sold, each of which is a finding."""
    subscription = network.subscription
    with scoping.realm_transaction(network.realm.pk):
        for number in range(first, last):
            name = f"m{number}@alpha.example"
            row = Service.objects.create(
                account_id=subscription.account_id, subscription=subscription, site_id=subscription.site_id,
                family="mail", kind="mailbox", feature_key=f"more.{number}", title="Mailbox", name=name,
                desired={"address": name, "quota_mb": 10}, binding=network.bindings["mail"], state="active",
                revision=1, applied_revision=1,
            )  # fmt: skip
            client.plant(network.realm.pk, "mail", "mail.mailbox", name, row.service_ref, address=name, quota_mb=10)


def asked_by(network: Network) -> list[str]:
    with scoping.realm_transaction(network.realm.pk):
        comparison = comparing.start(actor=network.system, binding=network.bindings["mail"])
    with exchanges() as asked:
        assert comparing.go_on(realm_id=network.realm.pk, comparison_id=comparison.pk)
    return asked


def open_findings(network: Network) -> int:
    with scoping.realm_transaction(network.realm.pk):
        return Finding.objects.filter(binding=network.bindings["mail"], resolved_at=None).count()


def of_us(asked: list[str]) -> dict[str, int]:
    return {what: count for what, count in cost(asked).items() if what != "at the server"}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ipservices.services.turns.TURN_SECONDS", 600.0)  # however slow the machine is


def test_a_batch_costs_the_same_whatever_its_size(network: Network, patient: None) -> None:
    served(network)
    boxes(network, 0, 1)
    asked_by(network)
    boxes(network, 1, 1 + FEW)
    few = asked_by(network)
    boxes(network, 1 + FEW, 1 + FEW + MANY)
    many = asked_by(network)
    again = asked_by(network)

    assert open_findings(network) == 1 + FEW + MANY
    assert of_us(few) == of_us(many) == OF_A_COMPARISON, told(many)
    assert of_us(again) == FOUND_AGAIN, told(again)


def test_each_difference_more_costs_so_many_statements(network: Network, patient: None) -> None:
    served(network)
    boxes(network, 0, FEW + MANY)

    def spoil(number: int) -> None:
        name = f"m{number}@alpha.example"
        client.tamper(network.realm.pk, "mail", "mail.mailbox", name, {"quota_mb": 11})

    spoil(0)
    asked_by(network)
    for number in range(1, FEW):
        spoil(number)
    few = of_us(asked_by(network))
    for number in range(FEW, FEW + MANY):
        spoil(number)
    many = of_us(asked_by(network))

    assert {what: (many[what] - few[what]) / MANY for what in many} == OF_A_DIFFERENCE
    with scoping.realm_transaction(network.realm.pk):
        assert Finding.objects.filter(kind="drift", resolved_at=None).count() == FEW + MANY
        assert not Service.objects.filter(feature_key__startswith="more.", drift=[]).exists()
