"""Differences between servers and what is wanted, on pages: seen with both values, repaired by one click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from boss.core import scoping
from boss.tenancy.models import Realm
from ipservices.drivers.simulator import client as subscriber
from ipservices.models import Comparison, DriverCall, Finding, Service
from tests.cast import make_user
from tests.ipservices.comparing import BOX, compare, on_server, served
from tests.ipservices.conftest import Network, network  # noqa: F401 - the fixture
from tests.workflow.driving import drive
from workflow.models import Run


@pytest.fixture
def drifted(network: Network) -> Finding:  # noqa: F811
    served(network)
    subscriber.tamper(network.realm.pk, "mail", "mail.mailbox", BOX, {"quota_mb": 1})
    (finding,) = compare(network)
    return finding


@pytest.fixture
def staff_of(browser_of: Callable[..., Client]) -> Callable[..., Client]:
    """``staff_of(realm, role)``: somebody of this role, signed in."""

    def signed_in(realm: Realm, role: str, host: str = "alpha.localhost") -> Client:
        with scoping.realm_transaction(realm.pk):
            somebody = make_user(realm, f"{role}@{host}.example", role.title(), role)
        return browser_of(somebody, host)

    return signed_in


@pytest.fixture
def noc(network: Network, staff_of: Callable[..., Client]) -> Client:  # noqa: F811
    return staff_of(network.realm, "noc")


def test_a_difference_is_listed_shown_with_both_values_and_repaired_by_one_click(
    noc: Client,
    network: Network,  # noqa: F811
    drifted: Finding,
) -> None:
    listed = noc.get("/console/network/findings/").content.decode()
    assert BOX in listed
    assert "Differs (1)" in listed

    shown = noc.get(f"/console/network/findings/{drifted.public_id}/").content.decode()
    assert "2048" in shown
    assert "Take over what is there" in shown

    clicked = noc.post(f"/console/network/findings/{drifted.public_id}/resolve/", {"way": "repair"}, follow=True)
    assert "A run is at it" in clicked.content.decode()
    assert noc.get(f"/console/network/findings/{drifted.public_id}/?live=1").status_code == 204
    drive(network.realm.pk)

    assert on_server(network, "mail")["attributes"]["quota_mb"] == 2048  # type: ignore[index]
    after = noc.get(f"/console/network/findings/{drifted.public_id}/").content.decode()
    assert "Repaired" in after
    assert "Changed the mailbox" in after
    assert "Put back as it was" in after
    assert "All servers hold what is wanted" in noc.get("/console/network/findings/").content.decode()
    assert BOX in noc.get("/console/network/findings/?state=resolved").content.decode()


def test_filters_show_only_their_kind_and_server(noc: Client, network: Network, drifted: Finding) -> None:  # noqa: F811
    mail = network.bindings["mail"].public_id
    other = network.bindings["dns"].public_id
    for query, is_there in ((f"server={mail}", True), (f"server={other}", False), ("kind=missing", False)):
        assert (BOX in noc.get(f"/console/network/findings/?{query}").content.decode()) is is_there


def test_compare_now_starts_one_comparison_however_often_it_is_pressed(
    noc: Client,
    network: Network,  # noqa: F811
) -> None:
    for _click in range(2):
        answer = noc.post(f"/console/network/{network.bindings['mail'].public_id}/compare/", follow=True)
        assert "is being compared" in answer.content.decode()
    with scoping.realm_transaction(network.realm.pk):
        assert Comparison.objects.count() == 1
    assert "Being compared" in noc.get("/console/network/").content.decode()


def test_a_second_click_and_a_way_nobody_knows_do_nothing(noc: Client, network: Network, drifted: Finding) -> None:  # noqa: F811
    address = f"/console/network/findings/{drifted.public_id}/resolve/"
    for way in ("repair", "repair", "dance"):
        noc.post(address, {"way": way})
    with scoping.realm_transaction(network.realm.pk):
        assert Run.objects.count() == 1


def test_a_manager_sees_differences_and_has_no_button(
    network: Network,  # noqa: F811
    drifted: Finding,
    staff_of: Callable[..., Client],
) -> None:
    bob = staff_of(network.realm, "manager")
    shown = bob.get(f"/console/network/findings/{drifted.public_id}/").content.decode()
    assert "2048" in shown
    assert "Take over what is there" not in shown
    assert bob.post(f"/console/network/findings/{drifted.public_id}/resolve/", {"way": "repair"}).status_code == 403
    with scoping.realm_transaction(network.realm.pk):
        assert not Run.objects.exists()


def test_from_the_account_two_clicks_lead_to_the_calls_with_run_and_order(
    noc: Client,
    network: Network,  # noqa: F811
    drifted: Finding,
) -> None:
    noc.post(f"/console/network/findings/{drifted.public_id}/resolve/", {"way": "repair"})
    drive(network.realm.pk)
    with scoping.realm_transaction(network.realm.pk):
        box = Service.objects.select_related("account").get(family="mail")
        call = DriverCall.objects.exclude(run_public_id="").get()

    account = noc.get(f"/console/accounts/{box.account.public_id}/").content.decode()
    assert f"/console/services/{box.public_id}/" in account
    service = noc.get(f"/console/services/{box.public_id}/").content.decode()
    assert call.sentence in service
    assert f"/console/runs/{call.run_public_id}/" in service
    assert "••••" in service


@pytest.mark.parametrize(("path", "most"), [("/console/network/findings/", 13), ("/console/network/", 60)])
def test_the_number_of_statements_does_not_grow_with_the_findings(
    noc: Client,
    network: Network,  # noqa: F811
    drifted: Finding,
    statements_of: Callable[..., list[str]],
    path: str,
    most: int,
) -> None:
    first = len(statements_of(noc, path))
    with scoping.realm_transaction(network.realm.pk):
        Finding.objects.bulk_create(
            Finding(
                binding=drifted.binding, comparison_id=drifted.comparison_id, kind="orphan", key=f"orphan:{number}",
                full_kind="mail.mailbox", name=f"x{number}", reason="x", first_seen_at=drifted.first_seen_at,
                last_seen_at=drifted.last_seen_at,
            )
            for number in range(80)
        )  # fmt: skip
    second = len(statements_of(noc, path))
    assert first == second <= most


def test_nothing_is_seen_of_another_provider(drifted: Finding, cast: Any, staff_of: Callable[..., Client]) -> None:
    stranger = staff_of(cast.beta, "noc", "beta.localhost")
    assert stranger.get(f"/console/network/findings/{drifted.public_id}/").status_code == 404
    answer = stranger.post(f"/console/network/findings/{drifted.public_id}/resolve/", {"way": "repair"})
    assert answer.status_code == 404
    assert BOX not in stranger.get("/console/network/findings/").content.decode()
