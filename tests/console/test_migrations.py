"""Moving services to another server, on pages and on the API: looked at, started, watched, rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.test import Client

from boss.core import scoping
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Binding, Migration
from ipservices.services import bindings, migrating
from tests.api.conftest import Api, minted
from tests.cast import make_user
from tests.ipservices.comparing import BOX, box_of, on_server, served
from tests.ipservices.conftest import Network, network  # noqa: F401 - the fixture


@pytest.fixture
def other(network: Network) -> Binding:  # noqa: F811
    served(network)
    with scoping.realm_transaction(network.realm.pk):
        return bindings.create(
            actor=network.system, family="mail", driver_key="simulator", name="new mail", settings={"server": "new"}
        )


@pytest.fixture
def noc(network: Network, browser_of: Callable[..., Client]) -> Client:  # noqa: F811
    with scoping.realm_transaction(network.realm.pk):
        return browser_of(make_user(network.realm, "noc@alpha.example", "Nora Noc", "noc"))


def work(network: Network) -> Migration:  # noqa: F811
    """What workers do."""
    with scoping.realm_transaction(network.realm.pk):
        found = Migration.objects.get()
    while not migrating.go_on(realm_id=network.realm.pk, migration_id=found.pk):
        pass
    return found


def test_services_are_looked_at_moved_and_rolled_back_on_pages(
    noc: Client,
    network: Network,  # noqa: F811
    other: Binding,
) -> None:
    before = on_server(network, "mail")
    form = {
        "source": network.bindings["mail"].public_id, "target": other.public_id, "batch_size": 10, "pause_seconds": 0,
        "content_moved": "on",
    }  # fmt: skip
    answer = noc.post("/console/network/migrations/new/", form)
    assert answer.status_code == 302, answer.content.decode()
    address = answer["Location"]
    assert "services looked at" in noc.get(address).content.decode()
    work(network)

    shown = noc.get(address).content.decode()
    assert "1 of 1 services can be moved." in shown
    assert on_server(network, "new") is None
    noc.post(f"{address}act/", {"verb": "start"})
    assert noc.get(f"{address}?live=1&seen=running-ready1").status_code == 204
    work(network)

    assert on_server(network, "new") == before
    assert "Moved" in noc.get(f"{address}?state=done").content.decode()
    noc.post(f"{address}act/", {"verb": "roll_back", "service": box_of(network).public_id})
    work(network)
    assert on_server(network, "mail") == before
    assert "Rolled back" in noc.get(address).content.decode()
    assert "new mail" in noc.get("/console/network/migrations/").content.decode()


def test_the_wrong_servers_are_refused_beside_the_field_with_what_was_typed(
    noc: Client,
    network: Network,  # noqa: F811
    other: Binding,
) -> None:
    form = {
        "source": network.bindings["mail"].public_id, "target": network.bindings["dns"].public_id,
        "batch_size": 77, "pause_seconds": 0,
    }  # fmt: skip
    answer = noc.post("/console/network/migrations/new/", form)
    assert answer.status_code == 422
    assert "same kind of services" in answer.content.decode()
    assert "77" in answer.content.decode()
    with scoping.realm_transaction(network.realm.pk):
        assert not Migration.objects.exists()


def test_the_preview_says_what_comes_along_and_what_does_not(
    noc: Client,
    network: Network,  # noqa: F811
    other: Binding,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told(**how: bool) -> str:
        with scoping.realm_transaction(network.realm.pk):
            made = migrating.prepare(actor=network.system, source=network.bindings["mail"], target=other, **how)
        return noc.get(f"/console/network/migrations/{made.public_id}/").content.decode()

    content = "folders, messages with their numbers and flags, and subscriptions"
    page = told()
    assert "The two servers cannot hand it over, so such services stay." in page
    assert content not in page
    assert "it has been copied" in told(content_moved=True)

    able = replace(SimulatorDriver.capabilities(), hands_over="by hand")
    monkeypatch.setattr(SimulatorDriver, "capabilities", classmethod(lambda cls: able))
    page = told()
    assert content in page
    assert "Address book" not in page and "(address book, signatures)" in page
    assert "refused as for an unknown address (550)" in page


def test_the_pages_ask_as_many_statements_for_many_services_as_for_one(
    noc: Client,
    network: Network,  # noqa: F811
    other: Binding,
    statements_of: Callable[..., list[str]],
) -> None:
    with scoping.realm_transaction(network.realm.pk):
        made = migrating.prepare(
            actor=network.system, source=network.bindings["mail"], target=other, content_moved=True
        )
    work(network)
    assert len(statements_of(noc, f"/console/network/migrations/{made.public_id}/")) <= 12
    assert len(statements_of(noc, "/console/network/migrations/")) <= 9


def test_a_migration_is_all_on_the_api(network: Network, other: Binding) -> None:  # noqa: F811
    api = Api("alpha.localhost", minted(network.realm.pk))
    body = {"from_server": network.bindings["mail"].public_id, "to_server": other.public_id, "content_moved": True}
    made = api.post("ipservices/migrations/", body)
    assert (made.status_code, made.json()["state"]) == (201, "checking")
    address = f"ipservices/migrations/{made.json()['public_id']}/"
    work(network)
    looked_at = api.get(address).json()
    assert looked_at["counts"] == {"ready": 1}
    assert "somebody answers for it" in " ".join(looked_at["luggage"]["stays"])
    assert api.post(f"{address}start/").status_code == 202
    work(network)
    assert [(row["name"], row["state"]) for row in api.get(f"{address}moves/").json()["results"]] == [(BOX, "done")]
    assert api.post(f"{address}roll_back/", {"service": "0" * 12}).status_code == 422
    assert api.post(f"{address}roll_back/", {}).status_code == 202
    work(network)
    assert api.get(address).json()["counts"] == {"returned": 1}
    assert api.post(f"{address}pause/").status_code == 409
    refused = api.post("ipservices/migrations/", {**body, "to_server": body["from_server"]})
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["to_server"])
