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
from ipservices.models import DriverCall, PhoneNumber, Service
from ipservices.sealing import open_secrets
from ipservices.services import bindings as binding_services
from ipservices.services import provisioning, reconciling
from tests.ipservices.conftest import Network
from tests.labs import Labs

DOMAIN = "sip.alpha.example"
OUTSIDE = "+15558880000"


@pytest.fixture
def lab(labs: Labs) -> Lab:
    found: Lab = labs.of("voip_kamailio")
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


