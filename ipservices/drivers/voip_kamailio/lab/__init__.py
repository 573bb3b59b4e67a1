"""A real Kamailio on this machine's loopback (:mod:`ipservices.labs`), its lines in the lab's PostgreSQL.

Calls to numbers that are no lines of its own go to a gateway at ``gateway_port``, where a test puts a telephone; from
there the rest of the world calls in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipservices import labs
from ipservices.drivers.voip_kamailio import sip
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer

TITLE = "Kamailio"
PROGRAM = "kamailio"
PACKAGES = "kamailio kamailio-postgres-modules kamailio-json-modules sip-tester"
DATABASE = "boss_lab_kamailio"
USER = "nobody"
_STARTS = 4
_SCHEMAS = Path("/usr/share/kamailio/postgres")
_TABLES = {"version": "standard", "subscriber": "auth_db", "location": "usrloc", "dbaliases": "alias_db",
           "acc_cdrs": "acc", "dialog": "dialog"}  # fmt: skip


class Lab(labs.Lab):
    """A running Kamailio."""

    def __init__(self, directory: Path, sql: SqlServer, token: str, ports: Mapping[str, int]) -> None:
        super().__init__(directory)
        self.sql = sql
        self.token = token
        self.ports = dict(ports)

    def facts(self) -> dict[str, Any]:
        return {
            "sql_host": self.sql.host,
            "sql_port": self.sql.port,
            "sql_user": self.sql.user,
            "sql_password": self.sql.password,
            "rpc_token": self.token,
            **self.ports,
        }

    def launch(self) -> None:
        program, log = labs.find_program(PROGRAM), self.directory / "kamailio.log"
        if program is None:
            raise LabError(f"Kamailio is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
        # By the directory the server stands in: an ordinary user's process could not enter the parents, and Kamailio
        # makes relative names absolute. Records are written in the server's own time: it has to be UTC.
        here = "/proc/self/cwd"
        argv = [program, "-DD", "-E", "-f", f"{here}/kamailio.cfg", "-Y", here, "-m", "64", "-M", "8"]
        for left in reversed(range(_STARTS)):
            process = labs.launch(argv, log=log, cwd=self.directory, env={"TZ": "UTC"}, user=USER)
            self.processes = [process]
            try:
                labs.wait_until(self._answers, process=process, log=log, what=TITLE)
            except LabError as error:
                # Somebody's outgoing connection may have the port for a moment.
                if not left or "Address already in use" not in str(error):
                    raise
                time.sleep(1)
            else:
                return

    def _answers(self) -> bool:
        try:
            return (
                labs.listens(self.ports["rpc_port"]) and sip.Phone(HOST, self.ports["sip_port"], 0.4).options() == 200
            )
        except (sip.NoReply, OSError):
            return False


def is_installed() -> bool:
    """Whether the server and the telephone of its tests are on this machine."""
    return _modules() is not None and all(labs.find_program(name) for name in (PROGRAM, "sipp"))


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    sip_port: int = 0,
    rpc_port: int = 0,
    gateway_port: int = 0,
) -> Lab:
    """Start a private Kamailio below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    if sql is None:
        raise LabError("Kamailio keeps its lines in PostgreSQL, and there is none here")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    given = {"sip_port": sip_port, "rpc_port": rpc_port, "gateway_port": gateway_port}
    ports = {name: port or labs.free_port() for name, port in given.items()}
    lab = Lab(directory, sql, labs.remembered(directory / "rpc-token"), ports)
    _have_database(sql)
    path = directory / "kamailio.cfg"
    path.touch(mode=0o600)
    path.write_text(_configuration(lab))
    labs.give(directory, USER)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm's telephone lines are bound to it."""
    settings = {
        "sql_host": facts["sql_host"],
        "sql_port": facts["sql_port"],
        "sql_database": DATABASE,
        "sql_user": facts["sql_user"],
        "sql_tls": "disable",
        "domain": names.sip_domain,
        "sip_host": HOST,
        "sip_port": facts["sip_port"],
        "rpc_url": f"http://{HOST}:{facts['rpc_port']}",
    }
    secrets = {"sql_password": facts["sql_password"], "rpc_token": facts["rpc_token"]}
    return [LabBinding("voip", "voip_kamailio", "Kamailio (lab)", settings, secrets)]


def _configuration(lab: Lab) -> str:
    server = lab.sql
    values = {
        "SIP_PORT": str(lab.ports["sip_port"]),
        "RPC_PORT": str(lab.ports["rpc_port"]),
        "GATEWAY_PORT": str(lab.ports["gateway_port"]),
        "MODULES": str(_modules()),
        "DB_URL": f"postgres://{server.user}:{server.password}@{server.host}:{server.port}/{DATABASE}",
        "TOKEN": lab.token,
    }
    text = (Path(__file__).parent / "kamailio.cfg").read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _modules() -> Path | None:
    """Where the packages put Kamailio's modules; the name of the machine's kind is part of it."""
    return next(iter(sorted(Path("/usr/lib").glob("*/kamailio/modules"))), None)


def _have_database(sql: SqlServer) -> None:
    """Kamailio's own tables and what BOSS adds to them, as the README tells operators to."""
    sql.create_database(DATABASE)
    with sql.connect(DATABASE) as connection:
        for table, schema in _TABLES.items():
            if connection.execute("SELECT to_regclass(%s)", (f"public.{table}",)).fetchone() == (None,):
                connection.execute((_SCHEMAS / f"{schema}-create.sql").read_bytes())
        connection.execute((Path(__file__).parents[1] / "boss.sql").read_bytes())
