"""An order's voice line at a real Kamailio: it telephones, is suspended and resumes, and is gone after the reversal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from boss.core import scoping
from ipservices import labs as lab_tools
from ipservices.drivers.voip_kamailio.lab import DATABASE, Lab, bindings
from ipservices.drivers.voip_kamailio.lab.telephones import Refused, Telephones
from ipservices.labs import Names
from ipservices.models import DriverCall, Service
from ipservices.sealing import open_secrets
from ipservices.services import bindings as binding_services
from ipservices.services import provisioning, reconciling
from tests.ipservices.conftest import Network
from tests.labs import Labs
from workflow.contracts import Done

DOMAIN = "sip.alpha.example"
OUTSIDE = "+15558880000"


@pytest.fixture
def lab(labs: Labs) -> Lab:
    found: Lab = labs.empty("voip_kamailio")
    return found


@pytest.fixture
def telephones(lab: Lab, tmp_path: Any) -> Iterator[Telephones]:
    found = Telephones(lab, tmp_path / "telephones")
    found.world()
    yield found
    found.close()


@pytest.fixture
def at_kamailio(network: Network, lab: Lab) -> Network:
    [bound] = bindings(lab.facts(), Names("subs.alpha.example", "alpha.example", DOMAIN))
    with scoping.realm_transaction(network.realm.pk):
        network.bindings["voip"] = binding_services.create(
            actor=network.system,
            family=bound.family,
            driver_key=bound.driver_key,
            name="Kamailio",
            settings=bound.settings,
            secrets=bound.secrets,
            position=1,
        )
    return network


def the_line(network: Network) -> Service:
    with scoping.realm_transaction(network.realm.pk):
        found: Service = Service.objects.get(family="voip", kind="line")
        return found


def password_of(network: Network) -> str:
    with scoping.realm_transaction(network.realm.pk):
        return open_secrets(Service.objects.get(family="voip", kind="line"))["password"]


def logs_in(telephones: Telephones, network: Network, last: int = 200) -> bool:
    user = the_line(network).name.removeprefix("+")
    try:
        telephones.register(user, DOMAIN, password_of(network), port=lab_tools.free_port(), last=last)
    except Refused:
        return False
    return True


def rows(lab: Lab, table: str) -> int:
    with lab.sql.connect(DATABASE) as connection:
        statement = f"SELECT count(*) FROM {table} WHERE username LIKE '1555555%' AND domain = '{DOMAIN}'"
        [[count]] = connection.execute(statement.encode()).fetchall()
        return int(count)


STEPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("design_services", {}),
    ("assign_number", {}),
    ("load_e911", {}),
    ("activate_family", {"family": "voip"}),
)


def order(network: Network) -> None:
    for key, inputs in STEPS:
        outcome = network.run(key, **inputs)
        assert isinstance(outcome, Done), (key, outcome)
        network.outputs[key] = dict(outcome.outputs)


def take_back(network: Network) -> None:
    for key, inputs in reversed(STEPS):
        assert isinstance(network.undo(key, **inputs), Done)


def test_the_line_of_an_order_telephones_and_is_gone_after_the_reversal(
    at_kamailio: Network, lab: Lab, telephones: Telephones
) -> None:
    assert (rows(lab, "subscriber"), rows(lab, "dbaliases")) == (0, 0)

    order(at_kamailio)
    assert logs_in(telephones, at_kamailio)
    line = the_line(at_kamailio)
    telephones.call(line.name[1:], DOMAIN, password_of(at_kamailio), OUTSIDE)
    assert (rows(lab, "subscriber"), rows(lab, "dbaliases"), rows(lab, "location")) == (1, 1, 1)

    take_back(at_kamailio)
    assert (rows(lab, "subscriber"), rows(lab, "dbaliases"), rows(lab, "location")) == (0, 0, 0)


def test_a_suspended_line_loses_its_call_and_its_log_in_and_has_both_again_when_it_resumes(
    at_kamailio: Network, lab: Lab, telephones: Telephones
) -> None:
    order(at_kamailio)
    line, password = the_line(at_kamailio), password_of(at_kamailio)
    assert logs_in(telephones, at_kamailio)
    call = telephones.talk(line.name[1:], DOMAIN, password, OUTSIDE)
    assert call is not None

    set_to(at_kamailio, provisioning.suspend)
    assert call.wait(5) == 0
    assert rows(lab, "location") == 0
    assert logs_in(telephones, at_kamailio, last=403)
    telephones.call(line.name[1:], DOMAIN, password, OUTSIDE, refused=403)

    set_to(at_kamailio, provisioning.resume)
    assert logs_in(telephones, at_kamailio)
    telephones.call(line.name[1:], DOMAIN, password, OUTSIDE)
    take_back(at_kamailio)


def test_no_password_token_or_hash_is_in_the_record_of_what_was_said_to_the_server(
    at_kamailio: Network, lab: Lab
) -> None:
    order(at_kamailio)
    with lab.sql.connect(DATABASE) as connection:
        hashes = connection.execute(
            "SELECT ha1 FROM subscriber WHERE domain = %s UNION SELECT ha1b FROM subscriber WHERE domain = %s",
            (DOMAIN, DOMAIN),
        ).fetchall()

    with scoping.realm_transaction(at_kamailio.realm.pk):
        said = " ".join(f"{call.request} {call.answer} {call.error}" for call in DriverCall.objects.all())

    assert len(hashes) == 2
    secrets = [password_of(at_kamailio), lab.token, lab.sql.password, *(found for (found,) in hashes)]
    assert [secret for secret in secrets if secret in said] == []
    assert "INSERT INTO subscriber" in said
    take_back(at_kamailio)


def set_to(network: Network, verb: Any) -> None:
    line = the_line(network)
    with scoping.realm_transaction(network.realm.pk):
        verb(actor=network.system, service=line)
    reconciling.reconcile(realm_id=network.realm.pk, service_id=line.pk)
