"""The place the tests of this folder happen at, and the account they are about."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ipservices.contracts import Desired
from tests.drivers.freeradius.places import LOGIN, PASSWORD, REF, Place
from tests.labs import Labs


@pytest.fixture
def place(labs: Labs) -> Iterator[Place]:
    found = Place(labs.of("access_freeradius"))
    found.sql("TRUNCATE radacct, radcheck, radreply, radusergroup, radgroupcheck, radgroupreply, nas")
    yield found
    found.device.close()


@pytest.fixture
def wanted() -> Desired:
    attributes = {"login": LOGIN, "down_mbps": 300, "up_mbps": 20, "cap_gb": 0, "extras": []}
    return Desired(REF, "access", "account", LOGIN, attributes, secrets={"password": PASSWORD})
