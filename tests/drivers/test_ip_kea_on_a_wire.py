"""A delegated prefix over a wire of its own: multicast in a network namespace, no relay, as a router at home asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipservices import labs as toolkit
from ipservices.contracts import Desired, Network
from ipservices.drivers.ip_kea.lab import USER, Lab, bindings, client
from ipservices.drivers.ip_kea.lab.bench import NAMES, PrefixBench
from tests.drivers.conftest import Benches
from tests.labs import Labs

PREFIX = "2001:db8:7000:300::/56"
DUID = "00:03:00:01:00:11:22:33:44:77"
ASK = f"""
import os, socket, sys
from client import Delegated, _option, _prefix_in, options_of
router = Delegated(("ff02::1:2", 547), bytes.fromhex("{DUID.replace(":", "")}"), "::")
wire = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
wire.bind(("::", 546)); wire.settimeout(3)
def ask(kind, server):
    xid = os.urandom(3)
    wire.sendto(router.message(kind, xid, server), ("ff02::1:2", 547, 0, socket.if_nametoindex(sys.argv[1])))
    return options_of(wire.recv(4000)[4:])
advertised = ask(1, b"")
print(_prefix_in(ask(3, _option(2, advertised[2]))))
"""


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def wire() -> Iterator[tuple[str, str, str]]:
    """A namespace with one end of a cable, and the other end here."""
    assert os.geteuid() == 0, "network namespaces need root, as the lab's installation does"
    mark = str(os.getpid())
    space, here, there = f"boss{mark}", f"bs{mark}", f"bc{mark}"
    run("ip", "netns", "add", space)
    try:
        run("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
        run("ip", "link", "set", here, "up")
        run("ip", "netns", "exec", space, "ip", "link", "set", there, "up")
        time.sleep(2.5)  # until both link-local addresses are known to be nobody else's
        yield space, here, there
    finally:
        run("ip", "netns", "del", space)


def test_a_router_on_a_wire_is_delegated_the_prefix_that_is_reserved_for_it(
    benches: Benches, labs: Labs, wire: tuple[str, str, str]
) -> None:
    space, here, there = wire
    lab: Lab = labs.of("ip_kea", "wire")
    bench = PrefixBench(benches.realm_id, lab, *bindings(lab.facts(), NAMES), "ip.assignment", "Kea on a wire")
    with bench.driver() as driver:
        driver.publish_networks((Network(70003, "2001:db8:7000::/40"),))
        wanted = {"address": PREFIX, "address_kind": "delegation", "identifier": f"duid:{DUID}"}
        driver.establish(Desired("svc-prefix000003", "ip", "assignment", PREFIX, wanted), key="wire")
    config: dict[str, Any] = json.loads((lab.directory / "kea-dhcp6.conf").read_text())
    inside = config["Dhcp6"]
    inside["interfaces-config"] = {"interfaces": [here]}
    inside["control-socket"]["socket-name"] = "wire.sock"
    for shared in inside["shared-networks"]:
        shared.pop("relay", None)
        shared["interface"] = here
        for subnet in shared["subnet6"]:
            subnet.pop("relay", None)
            subnet["interface"] = here
    (lab.directory / "wire.conf").write_text(json.dumps(config))
    toolkit.give(lab.directory, USER)
    log = lab.directory / "wire.log"
    rights = ["setpriv", "--reuid", USER, "--clear-groups", "--inh-caps", "+net_raw,+net_bind_service",
              "--ambient-caps", "+net_raw,+net_bind_service"]  # fmt: skip
    places = {"KEA_PIDFILE_DIR": ".", "KEA_LOCKFILE_DIR": "."}
    server = toolkit.launch([*rights, "/usr/sbin/kea-dhcp6", "-c", "wire.conf"], log=log, cwd=lab.directory, env=places)
    try:
        toolkit.wait_until(
            lambda: f"%{here}:547" in run("ss", "-lun"), process=server, log=log, what="kea-dhcp6 on a wire"
        )
        folder = str(Path(client.__file__).parent)
        answer = run(
            "ip", "netns", "exec", space, "env", f"PYTHONPATH={folder}", sys.executable, "-c", ASK, there
        )  # fmt: skip
    finally:
        server.terminate()
        server.wait(5)

    assert answer == PREFIX
