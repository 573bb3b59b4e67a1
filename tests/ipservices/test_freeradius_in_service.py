"""An order's log-in at a real FreeRADIUS: let in, made faster while in, put out, undone row for row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from boss.core import scoping
from ipservices import sealing
from ipservices.choices import CallOutcome
from ipservices.contracts import Transient, Unreachable
from ipservices.drivers.access_freeradius.lab.nas import Session
from ipservices.models import DriverCall, Service, UsageRecord
from ipservices.services import bindings, conforming, establishing, provisioning, reconciling
from tests.drivers.freeradius.places import Place
from tests.ipservices.conftest import Network
from tests.labs import Labs


class AtRadius:
    """Maria's order, and the server her log-in goes to."""

    def __init__(self, network: Network, place: Place) -> None:
        self.network = network
        self.place = place
        with scoping.realm_transaction(network.realm.pk):
            bound = replace(place.bound, settings=place.settings)
            network.bindings["access"] = bindings.create(
                actor=network.system,
                family="access",
                driver_key=bound.driver_key,
                name="FreeRADIUS",
                settings=bound.settings,
                secrets=bound.secrets,
                position=1,
            )
        for task in ("design_services", "reserve_address", "assign_number"):
            network.run(task)

    @property
    def service(self) -> Service:
        with scoping.realm_transaction(self.network.realm.pk):
            found: Service = Service.objects.get(family="access")
            return found

    @property
    def password(self) -> str:
        with scoping.realm_transaction(self.network.realm.pk):
            return sealing.open_secrets(Service.objects.get(family="access"))["password"]

    def log_in(self) -> Session | None:
        return self.place.device.log_in(self.service.name, self.password)

    def ask(self, verb: Any, **more: Any) -> None:
        """What a person asks for, and what a worker then does."""
        service = self.service
        with scoping.realm_transaction(self.network.realm.pk):
            verb(actor=self.network.system, service=service, **more)
        reconciling.reconcile(realm_id=self.network.realm.pk, service_id=service.pk)

    def sell(self, down: int, up: int) -> None:
        """The subscription's plan is another from now on."""
        subscription = self.network.subscription
        for feature in subscription.features:
            if feature["key"] == "data.access":
                feature["characteristics"] |= {"down": down, "up": up}
        with scoping.realm_transaction(self.network.realm.pk):
            subscription.save()

    def calls(self) -> list[DriverCall]:
        with scoping.realm_transaction(self.network.realm.pk):
            return list(DriverCall.objects.filter(service__family="access").order_by("id"))


@pytest.fixture
def maria(network: Network, labs: Labs) -> Iterator[AtRadius]:
    place = Place(labs.empty("access_freeradius"))
    place.sql("TRUNCATE radacct, radcheck, radreply, radusergroup, radgroupcheck, radgroupreply, nas")
    yield AtRadius(network, place)
    place.device.close()


def test_an_order_lets_its_subscriber_in_and_its_reversal_leaves_the_server_as_it_was(maria: AtRadius) -> None:
    before = maria.place.held()

    maria.network.run("activate_family", family="access")
    session = maria.log_in()

    assert session is not None and session.granted["Mikrotik-Rate-Limit"] == "20M/300M"
    assert "2001:db8::/56" in maria.place.sql("SELECT value FROM radreply WHERE attribute = 'Delegated-IPv6-Prefix'")[0]
    assert session.granted["Class"] == f"boss:{maria.service.service_ref}".encode()
    maria.network.run("verify_levels")

    maria.network.undo("activate_family", family="access")
    assert session.ended
    assert maria.log_in() is None
    assert maria.place.held() == before


def test_another_plan_reaches_the_live_session_and_so_does_its_undoing(maria: AtRadius) -> None:
    maria.network.run("activate_services")
    session = maria.log_in()
    assert session is not None
    before = maria.place.held()

    maria.sell(600, 50)
    maria.network.run("change_services", "run-2")
    assert session.granted["Mikrotik-Rate-Limit"] == "50M/600M"
    assert not session.ended

    maria.network.undo("change_services", "run-2")
    assert session.granted["Mikrotik-Rate-Limit"] == "20M/300M"
    assert not session.ended
    assert maria.place.held() == before


def test_a_plan_change_that_the_access_device_misses_is_tried_again_and_told(maria: AtRadius) -> None:
    maria.network.run("activate_services")
    session = maria.log_in()
    maria.place.device.deaf = True
    maria.sell(600, 50)

    with pytest.raises(Transient) as caught:
        maria.network.run("change_services", "run-2")
    assert caught.value.retryable
    maria.place.device.deaf = False
    maria.network.run("change_services", "run-2", attempt=2)

    assert session is not None and session.granted["Mikrotik-Rate-Limit"] == "50M/600M"
    failed, done = maria.calls()[-2:]
    assert (failed.outcome, done.outcome) == (CallOutcome.UNKNOWN, CallOutcome.DONE)
    assert "does not answer a CoA-Request" in failed.sentence


def test_a_suspension_puts_the_subscriber_out_and_the_owners_switch_outlives_it(maria: AtRadius) -> None:
    maria.network.run("activate_family", family="access")
    session = maria.log_in()

    maria.ask(provisioning.suspend, restriction="blocked", reason="non-payment")
    assert session is not None and session.ended
    assert maria.log_in() is None

    maria.ask(provisioning.resume)
    again = maria.log_in()
    assert again is not None

    maria.ask(provisioning.switch, switched_off=["login"])
    assert again.ended
    maria.ask(provisioning.suspend)
    maria.ask(provisioning.resume)
    assert maria.log_in() is None
    maria.ask(provisioning.switch, switched_off=[])
    assert maria.log_in() is not None


def test_a_database_that_goes_away_in_the_middle_is_tried_again_and_leaves_one_user(maria: AtRadius) -> None:
    maria.place.cut_off()
    try:
        with pytest.raises(Unreachable) as caught:
            maria.network.run("activate_family", family="access")
    finally:
        maria.place.restore()
    assert caught.value.retryable

    maria.network.run("activate_family", family="access", attempt=2)

    assert maria.log_in() is not None
    assert maria.place.sql("SELECT attribute FROM radcheck") == [("Cleartext-Password",)]
    assert len(maria.place.sql("SELECT value FROM radreply WHERE attribute = 'Class'")) == 1
    assert [call.outcome for call in maria.calls()] == [CallOutcome.FAILED, CallOutcome.DONE]
    told = str([(call.request, call.answer, call.error) for call in maria.calls()])
    assert maria.password not in told and maria.place.lab.sql.password not in told


def test_a_radius_server_that_is_killed_finds_every_change_made_meanwhile(maria: AtRadius) -> None:
    maria.network.run("activate_family", family="access")
    maria.place.lab.kill()
    maria.ask(provisioning.suspend, restriction="blocked")
    assert not bindings.check_health(
        realm_id=maria.network.realm.pk, binding_id=maria.network.bindings["access"].pk
    ).service
    maria.place.lab.restart()
    assert maria.log_in() is None

    maria.ask(provisioning.resume)
    assert maria.log_in() is not None
    assert bindings.check_health(
        realm_id=maria.network.realm.pk, binding_id=maria.network.bindings["access"].pk
    ).is_good


def test_a_speed_somebody_changed_at_the_server_is_found_with_both_values(maria: AtRadius) -> None:
    maria.network.run("activate_family", family="access")
    maria.place.sql("UPDATE radgroupreply SET value = '50000000' WHERE attribute = 'WISPr-Bandwidth-Max-Down'")

    establishing.observe(actor=maria.network.system, service_id=maria.service.pk)

    assert {"field": "down_mbps", "wanted": 300, "found": 50} in maria.service.drift


def test_what_a_session_used_is_on_record_once(maria: AtRadius) -> None:
    maria.network.run("activate_family", family="access")
    session = maria.log_in()
    assert session is not None
    maria.place.device.use(session, 5_000_000_000, 9_000_000_000, 3600)

    for _time in range(2):
        bindings.read_usage(realm_id=maria.network.realm.pk, binding_id=maria.network.bindings["access"].pk)

    with scoping.realm_transaction(maria.network.realm.pk):
        found = dict(UsageRecord.objects.values_list("metric", "amount"))
        assert UsageRecord.objects.count() == 3
    assert found == {"octets_in": 5_000_000_000, "octets_out": 9_000_000_000, "seconds": 3600}


def test_the_kit_on_an_operators_own_server_breaks_nothing_and_leaves_nothing(real_db: str, maria: AtRadius) -> None:
    binding = maria.network.bindings["access"]
    # The canary of the health check stays.
    assert bindings.check_health(realm_id=maria.network.realm.pk, binding_id=binding.pk).is_good
    before = maria.place.held()

    with scoping.realm_transaction(maria.network.realm.pk):
        report = conforming.ask(actor=maria.network.system, binding=binding, now=True)
    report = conforming.run(realm_id=maria.network.realm.pk, report_id=report.pk)

    assert [result for result in report.results if result["outcome"] == "broken"] == []
    assert report.passed >= 10
    kept = maria.place.held()
    for table in ("radgroupcheck", "radgroupreply"):
        # Groups that refuse users are made once, and stay.
        kept[table] = [row for row in kept[table] if row[0] not in ("disabled", "boss-owner-off")]
    assert kept == before
