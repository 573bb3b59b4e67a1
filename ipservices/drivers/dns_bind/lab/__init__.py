"""A real BIND on this machine's loopback (:mod:`ipservices.labs`)."""

from __future__ import annotations

import base64
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query

from ipservices import labs
from ipservices.drivers.dns_lab import DnsLab, zones_of
from ipservices.labs import HOST, LabBinding, LabError, Names, SqlServer

TITLE = "BIND"
PROGRAM = "named"
PACKAGES = "bind9"
KEY_NAME = "boss"
_CONFIGURATION = """\
key "{key_name}" {{ algorithm hmac-sha256; secret "{update_key}"; }};
key "control" {{ algorithm hmac-sha256; secret "{control_key}"; }};
options {{
  directory "{directory}/state"; pid-file "{directory}/state/named.pid";
  session-keyfile "{directory}/state/session.key"; managed-keys-directory "{directory}/state"; lock-file none;
  listen-on port {dns_port} {{ {host}; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; empty-zones-enable no; notify no;
  allow-new-zones yes; allow-transfer {{ key "{key_name}"; }};
}};
controls {{ inet {host} port {control_port} allow {{ {host}; }} keys {{ "control"; }}; }};
statistics-channels {{ inet {host} port {statistics_port} allow {{ {host}; }}; }};
"""


class Lab(DnsLab):
    """A running BIND."""

    def __init__(self, directory: Path, dns_port: int, control_port: int, statistics_port: int) -> None:
        super().__init__(directory.resolve())
        self.dns_port = dns_port
        self.control_port = control_port
        self.statistics_port = statistics_port
        self.update_key = labs.remembered(directory / "update-key", _new_key)
        self.control_key = labs.remembered(directory / "control-key", _new_key)

    @property
    def zone_directory(self) -> Path:
        return self.directory / "zones"

    def facts(self) -> dict[str, Any]:
        return {
            "dns_host": HOST,
            "dns_port": self.dns_port,
            "update_port": self.dns_port,
            "control_port": self.control_port,
            "statistics_url": f"http://{HOST}:{self.statistics_port}",
            "zone_directory": str(self.zone_directory),
            "update_key": self.update_key,
            "control_key": self.control_key,
        }

    def launch(self) -> None:
        program, log = labs.find_program(PROGRAM), self.directory / "named.log"
        if program is None:
            raise LabError(f"BIND is not installed; on Debian: apt-get install --no-install-recommends {PACKAGES}")
        user = "nobody" if _is_open_to_all(self.directory) else None
        if user is not None:
            for path in (self.directory / "named.conf", self.directory / "state", self.zone_directory):
                labs.give(path, user)
        process = labs.launch([program, "-g", "-c", str(self.directory / "named.conf")], log=log, user=user)
        self.processes = [process]
        labs.wait_until(self._answers, process=process, log=log, what=TITLE)

    def _answers(self) -> bool:
        try:
            dns.query.udp(dns.message.make_query("boss-health.invalid", "SOA"), HOST, port=self.dns_port, timeout=0.5)
        except (OSError, dns.exception.DNSException):
            return False
        return labs.listens(self.control_port) and labs.listens(self.statistics_port)


def is_installed() -> bool:
    """Whether the server's program is on this machine."""
    return labs.find_program(PROGRAM) is not None


def start(
    directory: Path,
    sql: SqlServer | None = None,
    *,
    dns_port: int = 0,
    control_port: int = 0,
    statistics_port: int = 0,
) -> Lab:
    """Start a private BIND below ``directory``. Ports given as 0 are chosen. Raises :class:`LabError`."""
    for path in (directory, directory / "state", directory / "zones"):
        path.mkdir(parents=True, exist_ok=True)
    lab = Lab(
        directory,
        dns_port or labs.free_port(),
        control_port or labs.free_port(),
        statistics_port or labs.free_port(),
    )
    configuration = lab.directory / "named.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(
        _CONFIGURATION.format(
            key_name=KEY_NAME,
            update_key=lab.update_key,
            control_key=lab.control_key,
            directory=lab.directory,
            host=HOST,
            dns_port=lab.dns_port,
            control_port=lab.control_port,
            statistics_port=lab.statistics_port,
        )
    )
    lab.launch()
    return lab


def bindings(facts: Mapping[str, Any], names: Names) -> list[LabBinding]:
    """How a realm provisions its zones and names here."""
    settings = {
        **{key: value for key, value in facts.items() if key not in ("update_key", "control_key")},
        "update_key_name": KEY_NAME,
        **zones_of(names),
    }
    secret = {key: str(facts[key]) for key in ("update_key", "control_key")}
    return [LabBinding("dns", "dns_bind", "BIND (lab)", settings, secret, position=20)]


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _is_open_to_all(directory: Path) -> bool:
    """Whether another user could get to it: a directory below a private one serves only who owns that."""
    return all(place.stat().st_mode & stat.S_IXOTH for place in (directory, *directory.parents))
