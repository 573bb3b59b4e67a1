"""The conformance kit: what every driver promises, on every server at hand. See ``docs/how-to/add-a-driver.md``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ipservices.conformance import CHECKS, Bench, Check
from ipservices.contracts import Unverified
from ipservices.drivers.simulator.bench import SimulatorBench
from ipservices.drivers.simulator.samples import SAMPLES
from ipservices.families import kinds
from tests.drivers.conftest import real_labels

SIMULATED = [("simulator", kind) for kind in SAMPLES]
# A server's checks stand together, so that one process starts it.
ASKED = [
    pytest.param((product, kind), check, id=f"{product}-{kind}-{check.key}")
    for product, kind in SIMULATED + real_labels()
    for check in CHECKS
]


@pytest.mark.parametrize(("bench", "check"), ASKED, indirect=["bench"])
def test_a_driver_keeps_what_every_driver_promises(
    bench: Bench, check: Check, record_property: Callable[[str, object], None]
) -> None:
    if not check.applies_to(bench):
        record_property("means nothing", value=True)
        # It means nothing on this server; its driver's capabilities or README say why.
        assert check.key in bench.cannot or not check.means(bench)
        return

    check.run(bench)


def test_every_kind_has_a_sample_to_try_it_with(benches: object) -> None:
    assert {key for key, _kind in kinds} == set(SAMPLES)


@pytest.mark.parametrize("bench", SIMULATED[:1], indirect=True)
def test_a_server_that_says_yes_and_does_nothing_is_found_out(bench: SimulatorBench) -> None:
    bench.fault(wrong=True)

    with pytest.raises(Unverified), bench.driver() as driver:
        driver.establish(bench.desired(), key="kit")
