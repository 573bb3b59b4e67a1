"""What a real BIND does wrong, and that the driver is not taken in."""

from __future__ import annotations

import base64
import concurrent.futures
import socket
import struct
import time
from dataclasses import replace
from typing import Any

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest

from ipservices.contracts import (
    AuthFailed,
    Conflict,
    Deadline,
    Desired,
    Driver,
    Invalid,
    Transient,
    Unreachable,
    UsageReading,
)
from ipservices.drivers.dns_bench import NAMES, answers
from ipservices.drivers.dns_bind import rndc
from ipservices.drivers.dns_bind.driver import BindDriver
from ipservices.drivers.dns_bind.lab import KEY_NAME, Lab
from ipservices.drivers.dns_bind.lab.bench import BindBench

OTHER_KEY = base64.b64encode(b"another key of thirty-two octets").decode()

zone_bench = pytest.mark.parametrize("bench", [("dns_bind", "dns.zone")], indirect=True, ids=["zone"])
host_bench = pytest.mark.parametrize("bench", [("dns_bind", "dns.host")], indirect=True, ids=["host"])


def establish(bench: BindBench, desired: Desired) -> None:
    with bench.driver() as driver:
        driver.establish(desired, key="test")


def update(lab: Lab, zone: str, *added: tuple[str, str, str], key: str = "", key_name: str = KEY_NAME) -> str:
    """What somebody who has a key too writes past BOSS, and what the server answers."""
    keys = dns.tsigkeyring.from_text({key_name: ("hmac-sha256", key or lab.update_key)})
    message = dns.update.UpdateMessage(f"{zone}.", keyring=keys)
    for name, kind, value in added:
        message.add(f"{name}.", 300, kind, value)
    return dns.rcode.to_text(dns.query.tcp(message, lab.dns_host, port=lab.dns_port, timeout=3).rcode())


def control(lab: Lab, secret: str = "", tape: list[Any] | None = None) -> rndc.Control:
    return rndc.Control(
        lab.dns_host,
        lab.control_port,
        secret or lab.control_key,
        deadline=Deadline(5),
        networks=("127.0.0.0/8",),
        note=lambda request, answer, started: None if tape is None else tape.append((request, answer)),
    )


def connected(bench: BindBench, **change: Any) -> BindDriver:
    """The driver with other settings or secrets."""
    made: Driver = bench.driver()
    for field, values in change.items():
        whole = {**getattr(made.connection, field), **values} if isinstance(values, dict) else values
        made = BindDriver(replace(made.connection, **{field: whole}))
    assert isinstance(made, BindDriver)
    return made


# The control channel


@zone_bench
def test_the_control_channel_is_understood_and_signed_both_ways(bench: BindBench) -> None:
    tape: list[Any] = []
    channel = control(bench.lab, tape=tape)

    status = channel.command("status", changes=False)
    unknown = channel.command("showzone nowhere.example", changes=False)
    channel.close()

    assert "server is up and running" in status.text and status.error == ""
    assert unknown.error.startswith("not found")
    assert bench.lab.control_key not in str(tape)


@zone_bench
def test_a_message_sent_again_is_refused_by_the_nonce(bench: BindBench) -> None:
    channel = control(bench.lab)
    channel.command("status", changes=False)
    now = str(int(time.time()))
    head = {"_ser": b"1", "_tim": now.encode(), "_exp": str(int(now) + 60).encode()}
    message = rndc.signed({"_ctrl": head, "_data": {"type": b"status"}}, base64.b64decode(bench.lab.control_key))

    with socket.create_connection((bench.lab.dns_host, bench.lab.control_port), timeout=3) as link:
        link.sendall(message)
        first = link.recv(65536)
        link.sendall(message)
        second = link.recv(65536)

    # The first has no nonce to carry, so it is answered with one only; without that no command is done.
    assert b"server is up and running" not in first + second
    assert channel.command("status", changes=False).error == ""
    channel.close()


@zone_bench
def test_another_key_for_the_control_channel_is_said_to_be_one(bench: BindBench) -> None:
    for wrong in (OTHER_KEY, "not base 64"):
        with pytest.raises(AuthFailed):
            control(bench.lab, wrong).command("status")


def test_an_answer_that_is_not_signed_with_our_key_is_not_believed() -> None:
    key = b"our key"
    said = rndc.signed({"_ctrl": {"_ser": b"1"}, "_data": {"result": b"0"}}, key)[8:]

    assert rndc.opened(said, key)["_data"] == {"result": b"0"}
    with pytest.raises(AuthFailed):
        rndc.opened(said, b"their key")
    with pytest.raises(AuthFailed):
        rndc.opened(said.replace(b"\x010", b"\x011") if b"\x010" in said else said[:-1] + b"1", key)
    for broken in (said[:20], b"", struct.pack(">B", 200) + said):
        with pytest.raises((Transient, AuthFailed)):
            rndc.opened(broken, key)


@zone_bench
def test_nobody_at_the_control_channel_is_unreachable_with_nothing_done(bench: BindBench) -> None:
    with pytest.raises(Unreachable) as caught, connected(bench, settings={"control_port": 9}) as driver:
        driver.establish(bench.desired(), key="test")

    assert not caught.value.outcome_unknown
    assert not bench.works(bench.desired())


# What BIND answers NOERROR to and does not do


@host_bench
def test_an_alias_that_bind_lets_win_in_silence_is_found_out(bench: BindBench) -> None:
    establish(bench, bench.desired())  # the shared zone is there now
    name = "alias.subs.kit.example"
    assert update(bench.lab, NAMES.host_zone, (name, "CNAME", "elsewhere.example.")) == "NOERROR"

    # This is the lie: NOERROR, and nothing is done.
    assert update(bench.lab, NAMES.host_zone, (name, "A", "203.0.113.9")) == "NOERROR"
    assert answers(bench.lab, name) == ["elsewhere.example."]

    with pytest.raises(Conflict, match="records that are not this service's"):
        establish(bench, replace(bench.desired(), name=name))
    assert answers(bench.lab, name) == ["elsewhere.example."]


@host_bench
def test_an_alias_in_the_place_of_our_record_is_named_in_the_error(bench: BindBench) -> None:
    establish(bench, bench.desired())
    name = bench.desired().name
    keys = dns.tsigkeyring.from_text({KEY_NAME: ("hmac-sha256", bench.lab.update_key)})
    message = dns.update.UpdateMessage(f"{NAMES.host_zone}.", keyring=keys)
    message.delete(f"{name}.", "A")
    message.delete(f"{name}.", "AAAA")
    message.add(f"{name}.", 300, "CNAME", "elsewhere.example.")
    dns.query.tcp(message, bench.lab.dns_host, port=bench.lab.dns_port, timeout=3)

    with pytest.raises(Conflict, match="an alias"):
        establish(bench, bench.changed(bench.desired()))

    message = dns.update.UpdateMessage(f"{NAMES.host_zone}.", keyring=keys)
    message.delete(f"{name}.", "CNAME")
    dns.query.tcp(message, bench.lab.dns_host, port=bench.lab.dns_port, timeout=3)
    establish(bench, bench.desired())
    assert bench.works(bench.desired())


@zone_bench
def test_an_alias_beside_another_record_is_refused_before_bind_can_ignore_it(bench: BindBench) -> None:
    both = [{"name": "www", "type": "A", "values": ["203.0.113.7"]}]
    both += [{"name": "www", "type": "CNAME", "values": ["elsewhere.example."]}]

    with pytest.raises(Invalid) as caught:
        establish(bench, replace(bench.desired(), attributes={"rrsets": both}))

    assert "beside an alias" in caught.value.fields["rrsets"][0]
    assert not bench.works(bench.desired())


@zone_bench
def test_an_address_becomes_an_alias_and_an_alias_an_address(bench: BindBench) -> None:
    establish(bench, bench.desired())
    name = f"www.{bench.desired().name}"
    alias = [{"name": "www", "type": "CNAME", "values": ["elsewhere.example."]}]

    establish(bench, replace(bench.desired(), attributes={"rrsets": alias}))
    assert answers(bench.lab, name) == ["elsewhere.example."]

    establish(bench, bench.desired())
    assert answers(bench.lab, name) == ["203.0.113.7"]


@zone_bench
def test_every_name_server_of_a_zone_may_be_another(bench: BindBench) -> None:
    # Taking a zone's last name server away is one more thing BIND says yes to and does not do.
    establish(bench, bench.desired())
    inside = [{"name": "ns7", "type": "A", "values": ["203.0.113.53"]}]
    servers = [f"ns7.{bench.desired().name}"]

    establish(bench, replace(bench.desired(), attributes={"rrsets": inside, "nameservers": servers}))
    assert answers(bench.lab, bench.desired().name, "NS") == [f"ns7.{bench.desired().name}."]

    establish(bench, bench.desired())
    assert answers(bench.lab, bench.desired().name, "NS") == ["ns1.kit.example.", "ns2.kit.example."]


@zone_bench
def test_a_name_server_in_its_own_zone_needs_an_address(bench: BindBench) -> None:
    # BIND would not load the zone ("has no address records"), with a bare "bad zone".
    inside = {"rrsets": [], "nameservers": [f"ns7.{bench.desired().name}"]}

    with pytest.raises(Invalid) as caught:
        establish(bench, replace(bench.desired(), attributes=inside))

    assert "needs an address" in caught.value.fields["nameservers"][0]


@zone_bench
def test_what_other_servers_take_bind_takes_too(bench: BindBench) -> None:
    rrsets = [
        {"name": "@", "type": "MX", "values": [f"10 not-there.{bench.desired().name}."]},
        {"name": "under_score", "type": "A", "values": ["203.0.113.7"]},
        {"name": "*", "type": "A", "values": ["203.0.113.8"]},
        {"name": "long", "type": "TXT", "values": ['"' + "x" * 255 + '" "' + 'quote \\" and \\\\ slash' + '"']},
    ]

    establish(bench, replace(bench.desired(), attributes={"rrsets": rrsets}))

    assert answers(bench.lab, f"under_score.{bench.desired().name}") == ["203.0.113.7"]
    off = replace(bench.desired(), attributes={"rrsets": rrsets}, switched_off=frozenset({"long TXT", "* A"}))
    establish(bench, off)
    assert answers(bench.lab, f"anything.{bench.desired().name}") == []


@zone_bench
def test_a_zone_larger_than_a_message_is_written_whole(bench: BindBench) -> None:
    rrsets = [{"name": f"n{number}", "type": "TXT", "values": [f'"{"y" * 200}"']} for number in range(600)]
    many = replace(bench.desired(), attributes={"rrsets": rrsets})

    establish(bench, many)

    assert answers(bench.lab, f"n599.{many.name}", "TXT") == [f'"{"y" * 200}"']


# Keys, prerequisites, zones of others


@host_bench
def test_each_wrong_key_is_said_to_be_one(bench: BindBench) -> None:
    establish(bench, bench.desired())
    for wrong in ({"update_key": OTHER_KEY}, {"update_key": "not base 64"}):
        with pytest.raises(AuthFailed), connected(bench, secrets=wrong) as driver:
            driver.establish(bench.changed(bench.desired()), key="test")
    with pytest.raises(AuthFailed), connected(bench, settings={"update_key_name": "unknown"}) as driver:
        driver.establish(bench.changed(bench.desired()), key="test")

    assert answers(bench.lab, bench.desired().name) == ["203.0.113.7"]


@host_bench
def test_without_any_lock_a_change_is_made_whole_or_not_at_all(bench: BindBench) -> None:
    establish(bench, bench.desired())

    def change(number: int) -> str:
        try:
            with bench.driver() as driver:
                driver.apply(bench.changed(bench.desired(), number), key=f"test {number}")
        except Transient as error:
            return str(error)
        return ""

    with concurrent.futures.ThreadPoolExecutor(20) as crowd:
        said = list(crowd.map(change, range(1, 41)))

    assert {word for word in said if word} <= {
        f"{bench.desired().name} was changed by somebody else at the same moment"
    }
    assert "" in said
    assert len(answers(bench.lab, bench.desired().name)) == 1


@host_bench
def test_no_host_name_is_written_into_a_subscribers_own_zone(bench: BindBench) -> None:
    zone = Desired("svc-owner0000001", "dns", "zone", "owner.example", {"rrsets": []})
    establish(bench, zone)
    guest = replace(bench.desired(), name="x.owner.example", attributes={"zone": "owner.example", "addresses": ["::1"]})

    with pytest.raises(Conflict, match="svc-owner0000001"):
        establish(bench, guest)

    assert answers(bench.lab, guest.name, "AAAA") == []
    with bench.driver() as driver:
        driver.take_away(zone, key="test")


@host_bench
def test_a_zone_that_the_operator_made_holds_host_names_too(bench: BindBench) -> None:
    file = bench.lab.zone_directory / "by-hand.db"
    file.write_text(
        "$TTL 300\n@ IN SOA ns1.kit.example. hostmaster 1 1 1 1 1\n@ IN NS ns1.kit.example.\n* IN A 192.0.2.1\n"
    )
    channel = control(bench.lab)
    made = channel.command(
        f'addzone by-hand.example {{ type primary; file "{file}"; update-policy {{ grant boss zonesub ANY; }}; }};'
    )
    assert made.error in ("", "already exists")
    host = replace(
        bench.desired(), name="x.by-hand.example", attributes={"zone": "by-hand.example", "addresses": ["203.0.113.7"]}
    )
    zone = Desired(host.service_ref, "dns", "zone", "by-hand.example", {"rrsets": []})

    establish(bench, host)
    assert answers(bench.lab, host.name) == ["203.0.113.7"]
    establish(bench, replace(host, switched_off=frozenset({"record"})))
    assert answers(bench.lab, host.name) == []  # nor what the zone's wildcard says
    assert answers(bench.lab, "y.by-hand.example") == ["192.0.2.1"]

    with pytest.raises(Conflict, match="nobody BOSS knows"):
        establish(bench, zone)
    with bench.driver() as driver, pytest.raises(Conflict):
        driver.take_away(zone, key="test")
    with bench.driver() as driver:
        driver.take_away(host, key="test")
    assert answers(bench.lab, host.name) == ["192.0.2.1"]
    channel.command("delzone -clean by-hand.example")
    channel.close()


@zone_bench
def test_a_zone_made_again_at_once_does_not_lose_its_file_to_the_late_deletion_of_the_first(bench: BindBench) -> None:
    for number in range(1, 11):
        establish(bench, bench.changed(bench.desired(), number))
        with bench.driver() as driver:
            driver.take_away(bench.desired(), key="test")
    establish(bench, bench.desired())

    bench.lab.restart()

    assert bench.works(bench.desired())


@host_bench
def test_a_server_without_a_statistics_channel_or_reverse_zones_says_so_plainly(bench: BindBench) -> None:
    bare = {"statistics_url": "", "reverse_zones": ""}
    with connected(bench, settings=bare) as driver:
        assert driver.usage({"kept": 1}) == UsageReading((), {"kept": 1})
        with pytest.raises(Invalid, match="no reverse zones"):
            driver.trial("dns.ptr")
        with pytest.raises(Invalid) as caught:
            driver.validate(Desired("svc-1", "dns", "ptr", "203.0.113.7", {"host_name": "a.example"}))
    assert "none of this server's reverse zones" in caught.value.fields["address"][0]


# The first file of a zone


@zone_bench
def test_a_zone_is_made_only_where_the_platform_operator_lets_files_be_written(bench: BindBench) -> None:
    zones = bench.lab.zone_directory
    link = bench.lab.directory / "link"
    if not link.is_symlink():
        link.symlink_to(zones)
    before = set(zones.iterdir())
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({}, ()),
        ({}, ("/var/lib/elsewhere",)),
        ({}, (str(zones)[:-1],)),
        ({"zone_directory": str(zones / ".." / "zones")}, (str(bench.lab.directory),)),
        ({"zone_directory": str(link)}, (str(bench.lab.directory),)),
        ({"zone_directory": "zones"}, (str(bench.lab.directory),)),
        ({"zone_directory": ""}, (str(bench.lab.directory),)),
        ({"server_directory": '/x"; }; evil {'}, (str(bench.lab.directory),)),
    ]

    for settings, allowed in cases:
        with pytest.raises(Invalid), connected(bench, settings=settings, directories=allowed) as driver:
            driver.establish(bench.desired(), key="test")

    assert set(zones.iterdir()) <= before  # BIND may still be deleting what was
    assert not bench.works(bench.desired())


@zone_bench
def test_a_directory_that_is_not_the_name_servers_is_said_to_be_another(bench: BindBench) -> None:
    before = set(bench.lab.zone_directory.iterdir())

    with (
        pytest.raises(Invalid, match="directory is another one"),
        connected(bench, settings={"server_directory": "/nowhere"}) as driver,
    ):
        driver.establish(bench.desired(), key="test")

    assert set(bench.lab.zone_directory.iterdir()) <= before


@zone_bench
def test_a_name_that_could_be_read_as_a_command_never_reaches_the_server(bench: BindBench) -> None:
    tape: list[Any] = []
    for name in ("a.example { }; stop", "a.example\nstop", "-clean", 'x"y.example', "_boss.example", "é.example"):
        with bench.driver() as driver, pytest.raises(Invalid):
            driver.establish(replace(bench.desired(), name=name), key="test")
        tape += driver.tape
    assert tape == []
    with bench.driver() as driver:
        assert driver.observe(replace(bench.desired(), name="a.example; stop")) is None
        driver.remove(replace(bench.desired(), name="a.example; stop"), key="test")
    assert bench.lab.is_running
