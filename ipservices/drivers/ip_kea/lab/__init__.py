"""A real Kea on this machine's loopback (:mod:`ipservices.labs`): DHCPv4, DHCPv6 and the control agent.

Unprivileged, on high ports: relays reach it by unicast, so it needs neither root nor a network of its own. Its leases
and reservations live in a database of their own on the lab's PostgreSQL, which it cannot do without.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from psycopg import sql as psql

from ipservices import labs
from ipservices.drivers.ip_kea.lab.client import Delegated, Router
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer

TITLE = "Kea DHCP"
PROGRAMS = ("kea-dhcp4", "kea-dhcp6", "kea-ctrl-agent")
PACKAGES = "kea-dhcp4-server kea-dhcp6-server kea-ctrl-agent kea-admin"
USER = "nobody"
CONTROL_USER = "boss"
HOST6 = "::1"
SCHEMA = Path("/usr/share/kea/scripts/pgsql/dhcpdb_create.pgsql")


class Lab(labs.Lab):
    """Three processes."""

    def __init__(self, directory: Path, sql: SqlServer, control_port: int, dhcp_port: int, dhcp6_port: int) -> None:
        super().__init__(directory)
        self.sql = sql
        # Its database and its user of it; two labs on one PostgreSQL have nothing in common.
        self.database = "boss_lab_kea_" + hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:8]
        self.control_port = control_port
        self.control_url = f"http://{HOST}:{control_port}"
        self.control_password = labs.remembered(directory / "control-password")
        self.sql_password = labs.remembered(directory / "sql-password")
        self.dhcp_port = dhcp_port
        self.dhcp6_port = dhcp6_port

    def facts(self) -> dict[str, Any]:
        return {
            "control_url": self.control_url,
            "control_password": self.control_password,
            "sql_host": self.sql.host,
            "sql_port": self.sql.port,
            "sql_database": self.database,
            "sql_password": self.sql_password,
            "dhcp_port": self.dhcp_port,
            "dhcp6_port": self.dhcp6_port,
        }

    def launch(self) -> None:
        labs.give(self.directory, USER)
        # All paths are relative to where it starts: what lies above need not be open to its user, and a socket's
        # path stays short.
        places = {"KEA_PIDFILE_DIR": ".", "KEA_LOCKFILE_DIR": "."}
        arguments: tuple[list[str], ...] = (["-p", str(self.dhcp_port)], ["-p", str(self.dhcp6_port)], [])
        self.processes = []
        for name, more in zip(PROGRAMS, arguments, strict=True):
            program = labs.find_program(name)
            if program is None:
                raise LabError(f"Kea is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
            (self.directory / f"{name}.{name}.pid").unlink(missing_ok=True)
            self.processes.append(
                labs.launch(
                    [program, "-c", f"{name}.conf", *more],
                    cwd=self.directory,
                    log=self.directory / f"{name}.log",
                    env=places,
                    user=USER,
                )
            )
        for name, daemon, process in zip(PROGRAMS, ("dhcp4", "dhcp6", ""), self.processes, strict=True):
            log = self.directory / f"{name}.log"
            labs.wait_until(lambda daemon=daemon: self.answers(daemon), process=process, log=log, what=name)  # type: ignore[misc]

    def command(self, daemon: str, command: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What the operator's own hand does at the control agent."""
        body: dict[str, Any] = {"command": command} | ({"service": [daemon]} if daemon else {})
        body |= {"arguments": dict(arguments)} if arguments else {}
        answer = httpx.post(
            self.control_url, json=body, auth=(CONTROL_USER, self.control_password), timeout=5, trust_env=False
        ).raise_for_status()
        found: dict[str, Any] = answer.json()[0]
        return found

    def answers(self, daemon: str) -> bool:
        try:
            return bool(self.command(daemon, "version-get" if daemon else "list-commands")["result"] == 0)
        except (httpx.HTTPError, ValueError, KeyError):
            return False


def is_installed() -> bool:
    """Whether the servers' programs are on this machine."""
    return SCHEMA.exists() and all(labs.find_program(name) is not None for name in PROGRAMS)


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    control_port: int = 0,
    dhcp_port: int = 0,
    dhcp6_port: int = 0,
) -> Lab:
    """Start a private Kea below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    if sql is None:
        raise LabError("Kea keeps its reservations in PostgreSQL: the lab needs one")
    if not is_installed():
        raise LabError(f"Kea is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lab = Lab(
        directory,
        sql,
        control_port or labs.free_port(),
        dhcp_port or labs.free_port(),
        dhcp6_port or labs.free_port(),
    )
    _prepare_database(lab)
    _write_configurations(lab)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm hands out its addresses here."""
    settings = {
        "control_url": facts["control_url"],
        "control_user": CONTROL_USER,
        "sql_host": facts["sql_host"],
        "sql_port": facts["sql_port"],
        "sql_database": facts["sql_database"],
        "sql_user": facts["sql_database"],
        "sql_tls": "disable",
        "dhcp_host": HOST,
        "dhcp_port": facts["dhcp_port"],
        "dhcp6_host": HOST6,
        "dhcp6_port": facts["dhcp6_port"],
        "relays": f"{HOST} {HOST6}",
        "nameservers": "192.0.2.53 2001:db8::53",
        "lease_seconds": 3600,
        "walled_router": "192.0.2.1",
        "walled_nameservers": "192.0.2.66 2001:db8::66",
    }
    secrets = {"control_password": facts["control_password"], "sql_password": facts["sql_password"]}
    return [LabBinding("ip", "ip_kea", "Kea (lab)", settings, secrets)]


def use(settings: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    """Take a lease as the subscriber's own router does, through the relay; what it got, empty when nothing."""
    place, hardware = str(attributes["address"]), str(attributes["identifier"]).removeprefix("mac:")
    link = place.partition("/")[0]
    if ":" not in link:
        router = Router((str(settings["dhcp_host"]), int(settings["dhcp_port"])), hardware, link)
        return router.address if router.lease() else ""
    # A DUID made of the hardware address (RFC 8415, 11.4), as most routers send.
    duid = bytes.fromhex("00030001" + hardware.replace(":", ""))
    delegated = Delegated((str(settings["dhcp6_host"]), int(settings["dhcp6_port"])), duid, link)
    return delegated.prefix if delegated.lease() else ""


def _prepare_database(lab: Lab) -> None:
    fresh = lab.sql.create_database(lab.database)
    with lab.sql.connect(lab.database, autocommit=True) as connection:
        role, password = psql.Identifier(lab.database), psql.Literal(lab.sql_password)
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (lab.database,)).fetchone()
        verb = psql.SQL("ALTER" if known else "CREATE")
        connection.execute(psql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, password))
        connection.execute(psql.SQL("ALTER DATABASE {} OWNER TO {}").format(role, role))
        connection.execute(psql.SQL("GRANT ALL ON SCHEMA public TO {}").format(role))
        if fresh:
            connection.execute(psql.SQL("SET ROLE {}").format(role))
            connection.execute(SCHEMA.read_text().encode())


def _write_configurations(lab: Lab) -> None:
    """Only what BOSS does not bring along itself; a second start keeps what was published."""
    database = {
        "type": "postgresql",
        "host": lab.sql.host,
        "port": lab.sql.port,
        "name": lab.database,
        "user": lab.database,
        "password": lab.sql_password,
        # Without these Kea ends itself at the first lost connection.
        "max-reconnect-tries": 1000,
        "reconnect-wait-time": 500,
        "on-fail": "serve-retry-continue",
    }
    hooks = next(Path("/usr/lib").glob("*/kea/hooks"))
    sockets = {name: {"socket-type": "unix", "socket-name": f"{name}.sock"}
               for name in ("dhcp4", "dhcp6")}  # fmt: skip
    for version, listen in ((4, f"lo/{HOST}"), (6, f"lo/{HOST6}")):
        path = lab.directory / f"kea-dhcp{version}.conf"
        kept = json.loads(path.read_text())[f"Dhcp{version}"] if path.exists() else {}
        kept.pop("hosts-databases", None)
        daemon = kept | {
            "interfaces-config": {"interfaces": [listen]} | ({"dhcp-socket-type": "udp"} if version == 4 else {}),
            "control-socket": sockets[f"dhcp{version}"],
            "lease-database": database,
            "hosts-database": database,
            "hooks-libraries": [{"library": f"{hooks}/libdhcp_lease_cmds.so"}],
            "expired-leases-processing": {"reclaim-timer-wait-time": 1, "hold-reclaimed-time": 60},
            "loggers": [{"name": f"kea-dhcp{version}", "severity": "WARN", "output_options": [{"output": "stdout"}]}],
        }
        if version == 6:
            # Kea keeps the id it was born with in a file of the whole machine.
            daemon |= {"server-id": {"type": "EN", "enterprise-id": 32473, "identifier": "b055", "persist": False}}
        _write(path, {f"Dhcp{version}": daemon})
    agent = {
        "http-host": HOST,
        "http-port": lab.control_port,
        "authentication": {
            "type": "basic",
            "realm": "kea",
            "clients": [{"user": CONTROL_USER, "password": lab.control_password}],
        },
        "control-sockets": sockets,
        "loggers": [{"name": "kea-ctrl-agent", "severity": "WARN", "output_options": [{"output": "stdout"}]}],
    }
    _write(lab.directory / "kea-ctrl-agent.conf", {"Control-agent": agent})


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=1))
