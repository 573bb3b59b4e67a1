"""What others plug in: drivers, features of a realm's own, tickets about services."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core.registry import Registry
from ipservices import designers, registry, subjects
from ipservices.choices import ServiceState
from ipservices.contracts import Capabilities, Driver, Invalid, Restriction
from ipservices.designers import Setting, Sold, plan
from ipservices.drivers.simulator.driver import SimulatorDriver
from ipservices.models import Service
from tests.ipservices.conftest import HANDLERS, Network
from ticketing.registry import subject_kinds
from workflow.registry import task_handlers

SETTING = Setting("a-10001", "Zoë O'Hara", "zoe@home.example", "1 Elm St", "subs.t.example", "t.example")


@pytest.fixture
def no_drivers(monkeypatch: pytest.MonkeyPatch) -> Registry[registry.DriverKind]:
    """An empty registry of drivers that no other test sees."""
    empty: Registry[registry.DriverKind] = Registry("drivers", registry.DriverKind)
    Registry.every.remove(empty)  # type: ignore[arg-type]
    monkeypatch.setattr(registry, "drivers", empty)
    return empty


def test_every_handler_is_registered_and_says_how_it_is_undone() -> None:
    for key, handler in HANDLERS.items():
        assert task_handlers.get(key) is handler
        assert handler.nothing_to_undo or handler.undo is not None
    assert subject_kinds.get("ipservices.service") is subjects.SERVICE


def test_a_driver_that_lacks_something_is_named_at_start_up(no_drivers: Registry[registry.DriverKind]) -> None:
    class HalfDriver(SimulatorDriver):
        key = "half"
        health = Driver.health

    registry.register(HalfDriver)
    registry.register("not a class")  # type: ignore[arg-type]

    assert any("HalfDriver lacks health" in fault for fault in no_drivers.faults)
    assert any("is not a Driver class" in fault for fault in no_drivers.faults)
    assert len(no_drivers) == 0


def test_another_packages_driver_comes_by_entry_point_and_a_broken_one_stops_nothing(
    no_drivers: Registry[registry.DriverKind], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Acme(SimulatorDriver):
        key = "acme"

    class Point:
        def __init__(self, name: str, found: Any) -> None:
            self.name, self.value, self.found = name, f"acme:{name}", found

        def load(self) -> Any:
            if self.found is None:
                raise ImportError("no module named acme_dns")
            return self.found

    monkeypatch.setattr(registry, "entry_points", lambda group: [Point("broken", None), Point("acme", Acme)])
    registry.register_entry_points()

    assert no_drivers.get("acme").driver is Acme
    assert no_drivers.faults == [
        "drivers: entry point 'broken' (acme:broken) cannot be loaded: no module named acme_dns"
    ]


def test_a_restriction_is_never_enforced_more_mildly_than_asked() -> None:
    able = Capabilities(frozenset({"dns.zone"}), frozenset({Restriction.NONE, Restriction.BLOCKED}))
    helpless = Capabilities(frozenset({"dns.zone"}), frozenset({Restriction.NONE}))

    assert able.nearest(Restriction.OUTGOING_BARRED) is Restriction.BLOCKED
    assert able.nearest(Restriction.NONE) is Restriction.NONE
    with pytest.raises(Invalid):
        helpless.nearest(Restriction.WALLED)


def test_a_feature_of_the_realms_own_becomes_a_service_of_its_family() -> None:
    sold = Sold("alarm.pendant", "Alarm pendant", "data", 2, {"panel": "kitchen"})

    planned = [one for _key, one in plan([sold], SETTING)]

    assert [(one.full_kind, one.name) for one in planned] == [
        ("data.service", "a-10001-alarm-pendant"),
        ("data.service", "a-10001-alarm-pendant-2"),
    ]
    assert planned[0].attributes == {"values": {"panel": "kitchen"}}


def test_what_people_fulfil_or_no_driver_provides_is_not_planned() -> None:
    assert plan([Sold("security.monitoring", "Alarm", "", 1, {})], SETTING) == []


def test_names_of_people_become_addresses_a_mail_server_takes() -> None:
    planned = dict(plan([Sold("mail.mailbox", "Mailbox", "mail", 1, {})], SETTING))

    assert planned["mail.mailbox"].name == "zo.o.hara@t.example"
    assert designers.local_part("李") == "mail"


def test_features_that_only_add_to_a_line_are_taken_into_it() -> None:
    sold = [
        Sold("voice.line", "Line", "voip", 1, {}),
        Sold("voice.voicemail", "Voicemail", "voip", 1, {"email_copy": True}),
        Sold("voice.intl", "Abroad", "voip", 1, {"minutes": 500}),
    ]

    planned = {one.full_kind: one for _key, one in plan(sold, SETTING)}

    assert set(planned) == {"voip.line", "e911.record"}
    assert planned["voip.line"].attributes["voicemail"] is True
    assert planned["voip.line"].attributes["international_minutes"] == 500
    assert planned["e911.record"].attributes["civic_address"] == "1 Elm St"


def test_a_ticket_about_a_service_shows_it_and_finds_its_account(alpha: Any, network: Network) -> None:
    network.run("design_services")
    row = Service.objects.get(family="mail")

    card = subjects.describe(row.pk)

    assert row.state == ServiceState.DESIGNED
    assert "maria@alpha.example" in card.label
    assert subjects.account_id(row.pk) == network.subscription.account_id
    assert subjects.describe(0).label == "A service that is gone"
    assert subjects.account_id(0) is None
