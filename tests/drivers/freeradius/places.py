"""A real FreeRADIUS with an access device beside it, and BOSS's driver bound to both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ipservices.contracts import Connection, Desired, Observed
from ipservices.drivers.access_freeradius.driver import FreeRadiusDriver
from ipservices.drivers.access_freeradius.lab import DATABASE, Lab, bindings
from ipservices.drivers.access_freeradius.lab.bench import admit, radclient
from ipservices.drivers.access_freeradius.lab.nas import AccessDevice
from ipservices.labs import Names

REF = "svc-a100010000001"
LOGIN = "a-10001"
PASSWORD = "correct horse"
TABLES = ("radcheck", "radreply", "radusergroup", "radgroupcheck", "radgroupreply")


class Place:
    """One lab with an access device, and BOSS's driver bound to both."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.device = AccessDevice(lab.radius_secret.encode(), lab.ports["auth_port"], lab.ports["acct_port"])
        [self.bound] = bindings(lab.facts(), Names("subs.example", "example", "sip.example"))
        self.settings = {**self.bound.settings, "coa_port": self.device.coa_port}
        self.secrets = dict(self.bound.secrets)

    def driver(self, **settings: Any) -> FreeRadiusDriver:
        given = {**self.settings, **settings}
        return FreeRadiusDriver(Connection(1, 1, given, self.secrets, 8, networks=("127.0.0.0/8",)))

    def establish(self, desired: Desired, key: str = "test") -> Observed:
        with self.driver() as driver:
            return driver.establish(desired, key=key)

    def observe(self, desired: Desired) -> Observed | None:
        with self.driver() as driver:
            return driver.observe(desired)

    def usage(self, cursor: Any) -> tuple[dict[str, int], Any]:
        with self.driver() as driver:
            reading = driver.usage(cursor)
        return {one.metric: one.amount for one in reading.samples if one.service_ref == REF}, reading.cursor

    def sql(self, statement: str, *values: Any) -> list[Any]:
        with self.lab.sql.connect(DATABASE) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def held(self) -> dict[str, list[Any]]:
        """Every row of the users' tables, without the numbers the database gives them."""
        return {
            table: sorted(row[1:] for row in self.sql(f"SELECT * FROM {table}"))
            for table in TABLES
        }  # fmt: skip

    def cut_off(self) -> None:
        """The database of the users goes away, and FreeRADIUS with it."""
        admit(self.lab, False)
        self.lab.kill()

    def restore(self) -> None:
        admit(self.lab, True)
        self.lab.restart()

    def log_in(self, password: str = PASSWORD, *, method: str = "User-Password", more: str = "") -> tuple[bool, str]:
        signed = ",Message-Authenticator=0x00"
        return radclient(self.lab, f'User-Name="{LOGIN}",{method}="{password}"{more}{signed}')


def at(desired: Desired, down: float, up: float = 20) -> Desired:
    """The same account at another speed; its password is not sent again."""
    return replace(desired, attributes={**desired.attributes, "down_mbps": down, "up_mbps": up}, secrets={})
