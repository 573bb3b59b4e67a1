"""What both real name servers promise beyond the kit, asked by dig and by dnspython."""

from __future__ import annotations

import concurrent.futures
import subprocess
from dataclasses import replace

import pytest
from django.db import connections

from ipservices import labs as toolkit
from ipservices.conformance import Bench
from ipservices.contracts import Conflict, Desired, DriverError, Restriction
from ipservices.drivers.dns_bench import DnsBench, answers
from ipservices.drivers.dns_lab import DnsLab

BOTH = ["dns_powerdns", "dns_bind"]


def of_both(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bench", [(folder, kind) for folder in BOTH], indirect=True, ids=BOTH)


def at(bench: Bench) -> DnsLab:
    assert isinstance(bench, DnsBench)
    lab: DnsLab = bench.lab
    return lab


def dig(bench: Bench, *words: str) -> str:
    program = toolkit.find_program("dig")
    assert program is not None
    place = [f"@{at(bench).dns_host}", "-p", str(at(bench).dns_port), "+tries=1", "+time=3"]
    return subprocess.run([program, *place, *words], capture_output=True, text=True, check=True).stdout


def marias(bench: Bench) -> Desired:
    """A subscriber's own zone, below no other one on the server; nothing is left of it."""
    wanted = replace(bench.desired(), name="maria-kit.example")
    with bench.driver() as driver:
        driver.take_away(wanted, key="test")
    return wanted


def establish(bench: Bench, desired: Desired) -> None:
    with bench.driver() as driver:
        driver.establish(desired, key="test")


@of_both("dns.host")
def test_fifty_changes_of_one_name_at_once_leave_exactly_one_record(bench: Bench) -> None:
    establish(bench, bench.desired())

    def change(number: int) -> str:
        wanted = bench.changed(bench.desired(), number)
        try:
            driver = bench.driver()
            with bench.alone(driver.lock_key(wanted)), driver:
                driver.establish(wanted, key=f"test {number}")
        except DriverError as error:
            return repr(error)
        finally:
            connections.close_all()
        return ""

    with concurrent.futures.ThreadPoolExecutor(50) as crowd:
        faults = [fault for fault in crowd.map(change, range(1, 51)) if fault]

    assert faults == []
    [left] = answers(at(bench), bench.desired().name)
    assert left in {f"198.51.100.{number}" for number in range(1, 51)}
    assert dig(bench, "+short", bench.desired().name, "A").split() == [left]
    assert answers(at(bench), bench.desired().name, "AAAA") == []


@of_both("dns.zone")
def test_the_life_of_a_zone_as_dig_sees_it(bench: Bench) -> None:
    wanted = marias(bench)
    name = wanted.name
    assert "status: REFUSED" in dig(bench, name, "SOA")

    establish(bench, wanted)
    assert dig(bench, "+short", f"www.{name}", "A").split() == ["203.0.113.7"]
    assert dig(bench, "+short", name, "MX").split() == ["10", "mx.subs.kit.example."]
    assert sorted(dig(bench, "+short", name, "NS").split()) == ["ns1.kit.example.", "ns2.kit.example."]

    shut = replace(wanted, restriction=Restriction.BLOCKED, reason="non-payment")
    establish(bench, shut)
    for question in ((f"www.{name}", "A"), (name, "SOA"), (name, "MX")):
        assert "status: REFUSED" in dig(bench, *question)

    # Changes reach a suspended zone; nobody sees them before it is open again.
    other = replace(bench.changed(wanted), name=name, restriction=Restriction.BLOCKED)
    establish(bench, other)
    assert "status: REFUSED" in dig(bench, f"www.{name}", "A")
    establish(bench, replace(other, restriction=Restriction.NONE))
    assert dig(bench, "+short", f"www.{name}", "A").split() == ["198.51.100.1"]
    assert dig(bench, "+short", name, "MX").split() == []

    with bench.driver() as driver:
        driver.take_away(wanted, key="test")
    assert "status: REFUSED" in dig(bench, f"www.{name}", "A")


@of_both("dns.zone")
def test_a_zone_that_begins_suspended_never_answers(bench: Bench) -> None:
    shut = replace(marias(bench), restriction=Restriction.BLOCKED, switched_off=frozenset({"@ TXT"}))

    establish(bench, shut)

    assert "status: REFUSED" in dig(bench, f"www.{shut.name}", "A")
    with bench.driver() as driver:
        found = driver.observe(shut)
        assert driver.compare(shut, found) == ()
    establish(bench, replace(shut, restriction=Restriction.NONE))
    assert answers(at(bench), f"www.{shut.name}") == ["203.0.113.7"]
    assert answers(at(bench), shut.name, "TXT") == []


@of_both("dns.ptr")
def test_a_reverse_record_as_dig_sees_it(bench: Bench) -> None:
    establish(bench, bench.desired())

    assert dig(bench, "+short", "-x", bench.desired().name).split() == ["boss-trial-0.subs.kit.example."]


@of_both("dns.host")
def test_a_name_that_somebody_else_wrote_is_left_alone(bench: Bench) -> None:
    establish(bench, bench.desired())
    taken = replace(bench.desired(), name="by-hand.subs.kit.example")
    bench.tamper(taken)

    with pytest.raises(Conflict):
        establish(bench, taken)

    assert answers(at(bench), taken.name) == ["192.0.2.66"]
