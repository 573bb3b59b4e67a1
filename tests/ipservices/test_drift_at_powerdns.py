"""A record changed by hand at a real PowerDNS: compared, listed with both values, repaired by one click."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from boss.platform import lab as platform_lab
from ipservices.drivers.dns_bench import answers
from ipservices.drivers.dns_powerdns.lab import Lab
from ipservices.labs import Names
from ipservices.models import DriverCall, Finding, Service
from ipservices.services import bindings
from tests.api.conftest import Api, minted
from tests.ipservices.comparing import compare
from tests.ipservices.conftest import Network
from tests.workflow.driving import drive

NAME = "a-10001.subs.alpha.example"


def ask(lab: Lab, name: str) -> list[str]:
    return answers(lab, name, "A")


@pytest.fixture
def at_powerdns(network: Network, powerdns_lab: Lab) -> Network:
    """An order is planned and has its address; its names are for a real PowerDNS."""
    [bound] = platform_lab.modules()["dns_powerdns"].bindings(
        powerdns_lab.facts(), Names("subs.alpha.example", "alpha.example", "sip.alpha.example")
    )
    with scoping.realm_transaction(network.realm.pk):
        network.bindings["dns"] = bindings.create(
            actor=network.system, family="dns", driver_key=bound.driver_key, name="PowerDNS", settings=bound.settings,
            secrets=bound.secrets, position=1,
        )  # fmt: skip
    network.run("design_services")
    network.run("reserve_address")
    return network


@pytest.fixture
def api(network: Network) -> Api:
    return Api("alpha.localhost", minted(network.realm.pk))


def change_by_hand(lab: Lab, name: str, address: str) -> None:
    """What an administrator does with ``pdnsutil`` or by the server's API: the content, not the comments."""
    import httpx

    zone = name.partition(".")[2]
    url = f"{lab.api_url}/api/v1/servers/localhost/zones/{zone}."
    headers = {"X-API-Key": lab.api_key}
    (rrset,) = [
        one
        for one in httpx.get(url, headers=headers).json()["rrsets"]
        if one["name"] == f"{name}." and one["type"] == "A"
    ]
    changed = {
        **rrset,
        "changetype": "REPLACE",
        "records": [{"content": address, "disabled": False}],
    }
    assert httpx.patch(url, headers=headers, json={"rrsets": [changed]}).status_code == 204


def test_a_record_changed_by_hand_is_listed_with_both_values_and_repaired_by_one_click(
    at_powerdns: Network,
    powerdns_lab: Lab,
    api: Api,
) -> None:
    at_powerdns.run("activate_family", family="dns")
    change_by_hand(powerdns_lab, NAME, "192.0.2.66")
    assert ask(powerdns_lab, NAME) == ["192.0.2.66"]

    asked = api.post(f"ipservices/bindings/{at_powerdns.bindings['dns'].public_id}/compare/")
    assert asked.status_code == 202, asked.content
    compare(at_powerdns, "dns")
    listed = api.get("ipservices/findings/?open=true&kind=drift").json()["results"]
    assert [(one["name"], one["differences"]) for one in listed] == [
        (NAME, [{"field": "addresses", "wanted": ["203.0.113.2"], "found": ["192.0.2.66"]}])
    ]
    assert ask(powerdns_lab, NAME) == ["192.0.2.66"]  # nothing is repaired by itself

    address = f"ipservices/findings/{listed[0]['public_id']}/"
    clicked = api.post(f"{address}repair/")
    assert clicked.status_code == 202, clicked.content
    drive(at_powerdns.realm.pk)

    assert ask(powerdns_lab, NAME) == ["203.0.113.2"]
    shown = api.get(address).json()
    assert (shown["resolution"], shown["resolved_at"] is not None) == ("repaired", True)
    with scoping.realm_transaction(at_powerdns.realm.pk):
        assert DriverCall.objects.filter(run_public_id=shown["run"]).exists()
        assert Service.objects.get(family="dns").drift == []
    assert compare(at_powerdns, "dns") == []
    assert not api.get("ipservices/findings/?open=true&kind=drift").json()["results"]
    at_powerdns.undo("activate_family", family="dns")


def test_a_record_taken_away_by_hand_is_missing_and_comes_back(
    at_powerdns: Network,
    powerdns_lab: Lab,
    api: Api,
) -> None:
    import httpx

    at_powerdns.run("activate_family", family="dns")
    zone = NAME.partition(".")[2]
    httpx.patch(
        f"{powerdns_lab.api_url}/api/v1/servers/localhost/zones/{zone}.",
        headers={"X-API-Key": powerdns_lab.api_key},
        json={"rrsets": [{"name": f"{NAME}.", "type": "A", "changetype": "DELETE"}]},
    )
    assert ask(powerdns_lab, NAME) == []

    found: Any = [one for one in compare(at_powerdns, "dns") if isinstance(one, Finding) and one.kind == "missing"]
    api.post(f"ipservices/findings/{found[0].public_id}/repair/")
    drive(at_powerdns.realm.pk)

    assert ask(powerdns_lab, NAME) == ["203.0.113.2"]
    at_powerdns.undo("activate_family", family="dns")
