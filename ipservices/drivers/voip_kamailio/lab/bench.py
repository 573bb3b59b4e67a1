"""Kamailio on the bench of the conformance kit."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from ipservices import labs
from ipservices.conformance import Bench
from ipservices.conformance.bench import Usage
from ipservices.conformance.real import ServerBench
from ipservices.contracts import Desired
from ipservices.drivers.voip_kamailio.lab import DATABASE, Lab, bindings
from ipservices.drivers.voip_kamailio.lab.telephones import Refused, Telephones
from ipservices.drivers.voip_kamailio.lines import user_of
from ipservices.labs import Names

DOMAIN = "sip.kit.example"
OUTSIDE = "+15558880000"


def benches(lab: Lab, realm_id: int) -> list[Bench]:
    """One, for the one kind of object."""
    [bound] = bindings(lab.facts(), Names("subs.kit.example", "kit.example", DOMAIN))
    return [KamailioBench(realm_id, lab, bound)]


class KamailioBench(ServerBench[Lab]):
    """Telephoned with by sipp; its second hand is SQL.

    The owner's switch ``voicemail`` is not tried: behind it is another product, and the server only keeps it.
    """

    dead_plane = {"sip_port": 9}
    wrong = {"sql_password": "wrong"}
    kill_after = 0.05
    switches = ("outgoing",)

    def __init__(self, realm_id: int, lab: Lab, bound: labs.LabBinding) -> None:
        super().__init__(realm_id, lab, bound, "voip.line")
        self.telephones = Telephones(lab, lab.directory.parent / f"{lab.directory.name}-telephones")
        self.talking: list[subprocess.Popen[bytes]] = []

    def works(self, desired: Desired, switch: str = "") -> bool:
        self.telephones.world()
        user, password = user_of(desired.name), desired.secrets["password"]
        try:
            if switch == "outgoing":
                self.telephones.call(user, DOMAIN, password, OUTSIDE, seconds=0.1)
            else:
                self.telephones.register(user, DOMAIN, password, port=labs.free_port())
        except Refused:
            return False
        return True

    def connect(self, desired: Desired) -> bool:
        self.telephones.world()
        call = self.telephones.talk(user_of(desired.name), DOMAIN, desired.secrets["password"], OUTSIDE)
        if call is not None:
            self.talking.append(call)
        return call is not None

    def sessions(self, desired: Desired) -> int:
        return sum(call.poll() is None for call in self.talking)

    def tamper(self, desired: Desired) -> None:
        """Somebody lets the line make more calls, and gives its number to another."""
        named = {"user": user_of(desired.name), "number": desired.name, "domain": DOMAIN}
        self.sql("UPDATE subscriber SET max_calls = 99 WHERE username = %(user)s AND domain = %(domain)s", named)
        self.sql("DELETE FROM dbaliases WHERE alias_username = %(number)s AND alias_domain = %(domain)s", named)

    def use(self, desired: Desired) -> Usage:
        self.telephones.world()
        self.telephones.call(user_of(desired.name), DOMAIN, desired.secrets["password"], OUTSIDE, seconds=1.2)
        time.sleep(0.1)  # the record is written when the BYE has been answered
        return Usage({"calls": 1, "seconds": 1})

    def reset(self) -> None:
        for call in self.talking:
            if call.poll() is None:
                call.kill()
            call.wait()
        self.talking = []
        super().reset()

    def sql(self, statement: str, values: dict[str, Any] | None = None) -> list[Any]:
        """Past BOSS."""
        with self.lab.sql.connect(DATABASE) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []
