"""FreeRADIUS on the bench of the conformance kit."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ipservices import labs
from ipservices.conformance import Bench
from ipservices.conformance.bench import Usage
from ipservices.conformance.real import ServerBench
from ipservices.contracts import Desired
from ipservices.drivers.access_freeradius.lab import DATABASE, Lab, bindings
from ipservices.drivers.access_freeradius.lab.nas import AccessDevice
from ipservices.labs import HOST, Names


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One, for the one kind of object."""
    device = AccessDevice(lab.radius_secret.encode(), lab.ports["auth_port"], lab.ports["acct_port"])
    [bound] = bindings(lab.facts(), Names("subs.kit.example", "kit.example", "sip.kit.example"))
    bound = replace(bound, settings={**bound.settings, "coa_port": device.coa_port})
    return [FreeRadiusBench(realm_id, lab, bound, device)]


def radclient(lab: Lab, request: str, *, port: str = "auth_port", command: str = "auth") -> tuple[bool, str]:
    """Ask with FreeRADIUS's own client; whether it was accepted, and what was answered."""
    program = labs.find_program("radclient")
    assert program is not None
    done = subprocess.run(  # noqa: S603 - a program of the lab
        [program, "-x", "-t", "2", "-r", "1", f"{HOST}:{lab.ports[port]}", command, lab.radius_secret],
        input=request, capture_output=True, text=True, check=False, timeout=15,
    )  # fmt: skip
    return done.returncode == 0, done.stdout + done.stderr


def admit(lab: Lab, allowed: bool) -> None:
    """Let everybody into the users' database, or nobody, throwing out who is in it."""
    words = "true" if allowed else "false"
    with lab.sql.connect("postgres", autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {DATABASE} WITH ALLOW_CONNECTIONS {words}".encode())
        if not allowed:
            out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(out, (DATABASE,))


class FreeRadiusBench(ServerBench[Lab]):
    """Logged in to with radclient; sessions live at an access device of the bench; its second hand is SQL."""

    dead_plane = {"auth_port": 9, "status_port": 9}
    wrong = {"sql_password": "wrong"}
    kill_after = 0.15

    def __init__(self, realm_id: int, lab: Lab, bound: labs.LabBinding, device: AccessDevice) -> None:
        super().__init__(realm_id, lab, bound, "access.account")
        self.device = device

    def works(self, desired: Desired, switch: str = "") -> bool:
        password = desired.secrets["password"]
        asked = f'User-Name="{desired.name}",User-Password="{password}",Message-Authenticator=0x00'
        return radclient(self.lab, asked)[0]

    def connect(self, desired: Desired) -> bool:
        return self.device.log_in(desired.name, desired.secrets["password"]) is not None

    def sessions(self, desired: Desired) -> int:
        return len(self.device.living(desired.name))

    def tamper(self, desired: Desired) -> None:
        """Somebody gives the subscriber's group away and makes the speed another for everybody in it."""
        self.sql(
            "UPDATE radgroupreply SET value = '1M/1M' WHERE groupname LIKE 'boss-%' AND attribute LIKE 'Mikrotik%'"
        )

    def use(self, desired: Desired) -> Usage:
        session = self.device.log_in(desired.name, desired.secrets["password"], session_id="kit-usage")
        assert session is not None
        self.device.use(session, 5_000_000_000, 9_000_000_000, 60)
        self.device.use(session, 1_000, 2_000, 60)
        return Usage({"octets_in": 5_000_001_000, "octets_out": 9_000_002_000, "seconds": 120})

    def reset_counters(self) -> None:
        """The access device restarts: its sessions end without a Stop, and it begins again with the same names."""
        self.device.reboot()
        time.sleep(1.1)  # accounting knows whole seconds

    def reset(self) -> None:
        for session in list(self.device.sessions.values()):
            if not session.ended:
                self.device.log_out(session)
        self.device.deaf, self.device.refuses = False, 0
        super().reset()
        self.sql("DELETE FROM radacct WHERE username = 'boss-trial'")

    def sql(self, statement: str) -> list[Any]:
        """Past BOSS."""
        with self.lab.sql.connect(DATABASE) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def dying_in_the_middle(self) -> Iterator[None]:
        """The database of the users goes away under everybody, and FreeRADIUS with it."""
        killer = threading.Timer(self.kill_after, self._cut_off)
        killer.start()
        try:
            yield
        finally:
            killer.join()
            admit(self.lab, True)
            self.lab.restart()

    def _cut_off(self) -> None:
        admit(self.lab, False)
        self.lab.kill()
