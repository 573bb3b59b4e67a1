"""IP services on the API: everything readable, every button an action, no secret, nothing for Charlie."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from ipservices.contracts import Desired, Held, Observed, Unreachable
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Binding, DriverCall, Service
from ipservices.services import bindings, calls, numbers
from tests.api.conftest import Api, minted
from tests.ipservices.conftest import Network


@pytest.fixture
def api(network: Network) -> Api:
    return Api("alpha.localhost", minted(network.realm.pk))


@pytest.fixture
def box(network: Network) -> Service:
    network.run("design_services")
    network.run("activate_family", family="mail")
    with scoping.realm_transaction(network.realm.pk):
        return Service.objects.get(family="mail")


def test_a_service_is_shown_and_the_server_itself_can_be_asked(api: Api, box: Service) -> None:
    shown = api.get(f"ipservices/services/{box.public_id}/").json()
    assert shown["name"] == "maria@alpha.example"
    assert shown["state"] == "active"
    assert shown["server"] == "mail server"

    seen = api.post(f"ipservices/services/{box.public_id}/observe/").json()
    assert seen["present"] is True
    assert seen["attributes"]["quota_mb"] == 2048
    assert seen["service_ref"] == f"svc-{box.public_id}"


def test_a_server_is_asked_between_the_requests_transactions_and_its_failure_stays_on_record(
    api: Api, box: Service, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[str]()

    def observe(driver: SimulatorDriver, desired: Desired) -> Observed | None:
        calls.refuse_inside_transaction()
        asked.append(desired.name)
        if len(asked) > 1:
            raise Unreachable("nobody answers")
        return None

    def list_all(driver: SimulatorDriver) -> list[Held]:
        calls.refuse_inside_transaction()
        return [Held("svc-1", "mailbox", "x@alpha.example")]

    monkeypatch.setattr(SimulatorDriver, "observe", observe)
    monkeypatch.setattr(SimulatorDriver, "list_all", list_all)
    monkeypatch.setattr(SimulatorDriver, "gets_through", lambda *_given: calls.refuse_inside_transaction())
    url = f"ipservices/services/{box.public_id}"

    assert api.post(f"{url}/observe/").json()["present"] is False
    assert api.post(f"{url}/observe/").status_code == 504
    assert api.post(f"{url}/try/").json() == {"works": None}
    (held,) = api.get(f"ipservices/bindings/{network.bindings['mail'].public_id}/held/").json()
    assert held["name"] == "x@alpha.example"
    with scoping.realm_transaction(network.realm.pk):
        told = DriverCall.objects.filter(service=box, operation__in=["observe", "try"]).order_by("id")
        assert [(call.operation, call.outcome) for call in told] == [
            ("observe", "done"), ("observe", "failed"), ("try", "done"),
        ]  # fmt: skip


def test_services_are_found_by_account_family_and_state(api: Api, box: Service) -> None:
    found = api.get("ipservices/services/?account_number=A-10001&family=mail&state=active").json()
    assert [row["public_id"] for row in found["results"]] == [box.public_id]
    assert api.get("ipservices/services/?account_number=A-9").json()["results"] == []


def test_suspend_resume_and_switch_are_actions(api: Api, box: Service) -> None:
    address = f"ipservices/services/{box.public_id}"

    suspended = api.post(f"{address}/suspend/", {"restriction": "walled", "reason": "non-payment"})
    assert (suspended.status_code, suspended.json()["state"]) == (202, "suspended")
    assert suspended.json()["is_behind"] is True
    assert api.post(f"{address}/resume/").json()["state"] == "active"
    assert api.post(f"{address}/switch/", {"switched_off": ["pop"]}).json()["switched_off"] == ["pop"]
    wrong = api.post(f"{address}/switch/", {"switched_off": ["warp drive"]})
    assert wrong.status_code == 422
    assert "switched_off" in wrong.json()["fields"]


def test_driver_calls_are_sentences_without_secrets(api: Api, box: Service) -> None:
    calls = api.get(f"ipservices/driver-calls/?service={box.public_id}").json()["results"]

    assert calls[0]["sentence"].startswith("Set up the mailbox maria@alpha.example at mail server in ")
    assert calls[0]["request"]["secrets"] == {"password": "••••"}


def test_a_servers_secrets_go_in_and_never_come_out(api: Api, network: Network) -> None:
    body = {
        "name": "Lab",
        "family": "dns",
        "driver_key": "dns_powerdns",
        "settings": {"api_url": "http://192.0.2.53:8081", "dns_host": "192.0.2.53"},
        "secrets": {"api_key": "s3cret-s3cret"},
    }
    made = api.post("ipservices/bindings/", body)
    assert made.status_code == 201, made.content
    assert "s3cret" not in made.content.decode()
    assert "s3cret" not in api.get("ipservices/bindings/").content.decode()

    wrong = api.post("ipservices/bindings/", {**body, "name": "Lab 2", "settings": {}})
    assert wrong.status_code == 422
    assert "settings.api_url" in wrong.json()["fields"]


def test_faults_are_set_seen_and_cleared(api: Api, network: Network) -> None:
    address = f"ipservices/bindings/{network.bindings['mail'].public_id}"

    assert api.post(f"{address}/faults/", {"fault": "slow", "value": 1.5}).json() == {"faults": {"slow": 1.5}}
    assert api.get(f"{address}/faults/").json() == {"faults": {"slow": 1.5}}
    assert api.post(f"{address}/faults/", {"fault": "slow", "value": -1}).status_code == 422
    assert api.post(f"{address}/clear_faults/").json() == {"faults": {}}


def test_faults_of_a_real_server_are_refused(api: Api, network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        real = bindings.create(
            actor=network.system,
            family="dns",
            driver_key="dns_powerdns",
            settings={"api_url": "http://192.0.2.1", "dns_host": "192.0.2.1"},
            secrets={"api_key": "k"},
        )
    refused = api.post(f"ipservices/bindings/{real.public_id}/faults/", {"fault": "down", "value": True})
    assert (refused.status_code, refused.json()["code"]) == (422, "ipservices.not_practice")


def test_addresses_and_numbers_are_listed(api: Api, network: Network) -> None:
    network.run("design_services")
    network.run("reserve_address")
    network.run("assign_number")

    addresses = api.get("ipservices/addresses/").json()["results"]
    assert {row["address"] for row in addresses} == {"203.0.113.2", "2001:db8::"}
    free = api.get("ipservices/numbers/?state=available").json()["results"]
    assert len(free) == 4
    made = api.post("ipservices/prefixes/", {"network": "192.0.2.0/24"})
    assert (made.status_code, made.json()["size"]) == (201, 254)


def test_charlie_gets_404_for_everything_of_alices(network: Network, box: Service, cast: Any) -> None:
    charlie = Api("beta.localhost", minted(cast.beta.pk))
    binding = network.bindings["mail"].public_id

    for path in (f"services/{box.public_id}/", f"bindings/{binding}/", f"bindings/{binding}/faults/"):
        assert charlie.get(f"ipservices/{path}").status_code == 404
    for path in (f"services/{box.public_id}/suspend/", f"services/{box.public_id}/observe/"):
        assert charlie.post(f"ipservices/{path}").status_code == 404
    for kind in ("services", "driver-calls", "bindings", "addresses", "prefixes", "numbers"):
        assert charlie.get(f"ipservices/{kind}/").json()["results"] == []


def test_a_csr_may_look_but_not_change(network: Network, box: Service) -> None:
    bob = Api("alpha.localhost", minted(network.realm.pk, "csr"))

    assert bob.post(f"ipservices/services/{box.public_id}/observe/").status_code == 200
    assert bob.post(f"ipservices/services/{box.public_id}/suspend/").status_code == 403
    assert bob.get("ipservices/bindings/").status_code == 403
    with scoping.realm_transaction(network.realm.pk):
        assert Service.objects.get(pk=box.pk).state == "active"
        assert Binding.objects.count() == 8


def test_a_resting_number_says_until_when_and_a_person_may_end_its_rest(api: Api, network: Network) -> None:
    with scoping.realm_transaction(network.realm.pk):
        row = numbers.reserve(actor=network.system)
        numbers.release(actor=network.system, number=row)

    [shown] = api.get("ipservices/numbers/?state=quarantined").json()["results"]
    assert (shown["number"], shown["available_from"] is not None) == (row.number, True)
    freed = api.post(f"ipservices/numbers/{row.public_id}/end_rest/")

    assert (freed.status_code, freed.json()["state"], freed.json()["available_from"]) == (200, "available", None)
    assert api.get("ipservices/numbers/?state=quarantined").json()["results"] == []
