"""A real PowerDNS on this machine's loopback (:mod:`ipservices.labs`).

Its records live in a database of their own on the lab's PostgreSQL if there is one, else in an SQLite file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import httpx

from ipservices import labs
from ipservices.drivers.dns_lab import DnsLab, zones_of
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer

TITLE = "PowerDNS"
PROGRAM = "pdns_server"
PACKAGES = "pdns-server pdns-backend-pgsql"
DATABASE = "boss_lab_powerdns"
PGSQL_SCHEMA = Path("/usr/share/pdns-backend-pgsql/schema/schema.pgsql.sql")
SQLITE_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")


class Lab(DnsLab):
    """A running PowerDNS."""

    def __init__(self, directory: Path, api_key: str, api_port: int, dns_port: int) -> None:
        super().__init__(directory)
        self.api_key = api_key
        self.api_port = api_port
        self.api_url = f"http://{HOST}:{api_port}"
        self.dns_port = dns_port

    def facts(self) -> dict[str, Any]:
        return {"api_url": self.api_url, "api_key": self.api_key, "dns_host": HOST, "dns_port": self.dns_port}

    def launch(self) -> None:
        program, log = labs.find_program(PROGRAM), self.directory / "pdns.log"
        if program is None:
            raise LabError(f"PowerDNS is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
        process = labs.launch([program, f"--config-dir={self.directory}"], log=log)
        self.processes = [process]
        labs.wait_until(self._answers, process=process, log=log, what=TITLE)

    def _answers(self) -> bool:
        try:
            api = httpx.get(
                f"{self.api_url}/api/v1/servers/localhost",
                headers={"X-API-Key": self.api_key},
                timeout=1.0,
                trust_env=False,
            )
            dns.query.udp(dns.message.make_query("boss-health.invalid", "SOA"), HOST, port=self.dns_port, timeout=0.5)
        except (httpx.HTTPError, OSError, dns.exception.DNSException):
            return False
        return api.status_code == 200


def is_installed() -> bool:
    """Whether the server's program is on this machine."""
    return labs.find_program(PROGRAM) is not None


def start(directory: Path, sql: SqlServer | None = None, *, api_port: int = 0, dns_port: int = 0) -> Lab:
    """Start a private PowerDNS below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lab = Lab(
        directory,
        labs.remembered(directory / "api-key"),
        api_port or labs.free_port(),
        dns_port or labs.free_port(),
    )
    _write_configuration(lab, sql)
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm provisions its host names and zones here."""
    settings = {
        "api_url": facts["api_url"],
        "dns_host": facts["dns_host"],
        "dns_port": facts["dns_port"],
        **zones_of(names),
    }
    return [LabBinding("dns", "dns_powerdns", "PowerDNS (lab)", settings, {"api_key": facts["api_key"]})]


def _write_configuration(lab: Lab, sql: SqlServer | None) -> None:
    backend = _postgres_backend(sql) if sql is not None and PGSQL_SCHEMA.exists() else _sqlite_backend(lab.directory)
    lines = [
        *backend,
        f"local-address={HOST}",
        f"local-port={lab.dns_port}",
        f"socket-dir={lab.directory}",
        "daemon=no",
        "guardian=no",
        "disable-syslog=yes",
        "api=yes",
        f"api-key={lab.api_key}",
        "webserver=yes",
        f"webserver-address={HOST}",
        f"webserver-port={lab.api_port}",
        f"webserver-allow-from={HOST}",
        "webserver-loglevel=none",
        "default-soa-content=ns1.@ hostmaster.@ 0 10800 3600 604800 3600",
        # Caches would hide a change from whoever looks right after it; the poll would call out to the internet.
        "query-cache-ttl=0",
        "cache-ttl=0",
        "negquery-cache-ttl=0",
        "zone-cache-refresh-interval=0",
        "security-poll-suffix=",
        "receiver-threads=1",
        "distributor-threads=2",
    ]
    path = lab.directory / "pdns.conf"
    path.touch(mode=0o600)
    path.write_text("\n".join(lines) + "\n")


def _postgres_backend(sql: SqlServer) -> list[str]:
    if sql.create_database(DATABASE):
        with sql.connect(DATABASE) as connection:
            connection.execute(PGSQL_SCHEMA.read_text().encode())
    return [
        "launch=gpgsql",
        f"gpgsql-host={sql.host}",
        f"gpgsql-port={sql.port}",
        f"gpgsql-user={sql.user}",
        f"gpgsql-password={sql.password}",
        f"gpgsql-dbname={DATABASE}",
    ]


def _sqlite_backend(directory: Path) -> list[str]:
    if not SQLITE_SCHEMA.exists():
        raise LabError("neither a PostgreSQL nor PowerDNS's SQLite backend (pdns-backend-sqlite3) is at hand")
    path = directory / "zones.sqlite3"
    if not path.exists():
        with sqlite3.connect(path) as connection:
            connection.executescript(SQLITE_SCHEMA.read_text())
    return ["launch=gsqlite3", f"gsqlite3-database={path}", "gsqlite3-pragma-journal-mode=WAL"]
