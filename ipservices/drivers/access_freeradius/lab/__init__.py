"""A real FreeRADIUS on this machine's loopback (:mod:`ipservices.labs`), its users in the lab's PostgreSQL.

Beside authentication, accounting and status it runs an access device by the book (``coa_port``): it takes changes of
every session that accounting knows, and ends one when it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipservices import labs
from ipservices.drivers.access_freeradius import radius
from ipservices.drivers.access_freeradius.lab import raddb
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer

TITLE = "FreeRADIUS"
PROGRAM = "freeradius"
PACKAGES = "freeradius freeradius-postgresql freeradius-utils"
DATABASE = "boss_lab_radius"
USER = "nobody"


class Lab(labs.Lab):
    """A running FreeRADIUS."""

    def __init__(self, directory: Path, sql: SqlServer, radius_secret: str, ports: Mapping[str, int]) -> None:
        super().__init__(directory)
        self.sql = sql
        self.radius_secret = radius_secret
        self.ports = dict(ports)

    def facts(self) -> dict[str, Any]:
        return {
            "sql_host": self.sql.host,
            "sql_port": self.sql.port,
            "sql_user": self.sql.user,
            "sql_password": self.sql.password,
            "radius_secret": self.radius_secret,
            **self.ports,
        }

    def launch(self) -> None:
        program, log = labs.find_program(PROGRAM), self.directory / "start.log"
        if program is None:
            raise LabError(
                f"FreeRADIUS is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}"
            )
        # Everything in the configuration is relative to the directory the server starts in: an ordinary user's
        # process may stand in a directory whose parents it could not enter.
        process = labs.launch([program, "-f", "-d", "."], log=log, cwd=self.directory, user=USER)
        self.processes = [process]
        labs.wait_until(self._answers, process=process, log=log, what=TITLE)

    def _answers(self) -> bool:
        port, secret = self.ports["status_port"], self.radius_secret.encode()
        try:
            radius.exchange(HOST, port, secret, radius.Code.STATUS_SERVER, [], seconds=0.3, pauses=(0.3,))
        except (radius.NoReply, radius.BadPacket):
            return False
        return True


def is_installed() -> bool:
    """Whether the server and the client of its tests are on this machine."""
    return labs.find_program(PROGRAM) is not None and labs.find_program("radclient") is not None


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    auth_port: int = 0,
    acct_port: int = 0,
    status_port: int = 0,
    coa_port: int = 0,
) -> Lab:
    """Start a private FreeRADIUS below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    if sql is None:
        raise LabError("FreeRADIUS keeps its users in PostgreSQL, and there is none here")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    given = {"auth_port": auth_port, "acct_port": acct_port, "status_port": status_port, "coa_port": coa_port}
    ports = {name: port or labs.free_port() for name, port in given.items()}
    lab = Lab(directory, sql, labs.remembered(directory / "radius-secret"), ports)
    _have_database(sql)
    try:
        raddb.write(directory, lab.facts() | {"sql_database": DATABASE})
    except OSError as error:
        raise LabError(f"the packaged queries of FreeRADIUS cannot be read (as root they can): {error}") from error
    labs.give(directory, USER)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm's subscribers log in here; the lab itself stands for all access devices."""
    settings = {
        "sql_host": facts["sql_host"],
        "sql_port": facts["sql_port"],
        "sql_database": DATABASE,
        "sql_user": facts["sql_user"],
        "sql_tls": "disable",
        "radius_host": HOST,
        "auth_port": facts["auth_port"],
        "status_port": facts["status_port"],
        "coa_host": HOST,
        "coa_port": facts["coa_port"],
    }
    secrets = {
        "sql_password": facts["sql_password"],
        "radius_secret": facts["radius_secret"],
        "coa_secret": facts["radius_secret"],
    }
    return [LabBinding("access", "access_freeradius", "FreeRADIUS (lab)", settings, secrets)]


def _have_database(sql: SqlServer) -> None:
    """FreeRADIUS's own tables and what BOSS adds to them, as its README tells operators to."""
    sql.create_database(DATABASE)
    with sql.connect(DATABASE) as connection:
        if connection.execute("SELECT to_regclass('public.radcheck')").fetchone() == (None,):
            try:
                schema = (raddb.PACKAGED / "schema.sql").read_text()
            except OSError as error:
                raise LabError(f"the packaged schema of FreeRADIUS cannot be read (as root it can): {error}") from error
            connection.execute(schema.encode())
        connection.execute((Path(__file__).parents[1] / "boss.sql").read_bytes())
