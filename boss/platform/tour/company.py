"""The people of the demo provider as the tour plays them: each with a session of his own, signed in when needed."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from boss.platform.tour.api import Api, Row

BY_POOL = {
    "csr": "alice", "dispatch": "dana", "field": "frank", "noc": "nate", "billing": "bea", "porting": "pia",
    "manager": "helen",
}  # fmt: skip
"""Who does the work of which talent pool."""


class Company:
    """Sessions of Tri-Lakes Cable's staff, and of Charlie of High Prairie Wireless next door."""

    def __init__(self, url: str, password: str, domain: str = "trilakes.example") -> None:
        self.url, self.password, self.domain = url, password, domain
        self._sessions: dict[str, Api] = {}

    def __getitem__(self, name: str) -> Api:
        if name not in self._sessions:
            self._sessions[name] = Api.signed_in(self.url, f"{name}@{self.domain}", self.password)
        return self._sessions[name]

    def charlie(self, host: str, password: str) -> Api:
        """The administrator of another provider on the same installation."""
        return Api.signed_in(self.url, "charlie@highprairie.example", password, host=host)

    def integrator(self) -> Api:
        """A program with a key that the realm's administrator has just made for it over the API."""
        made = self["rosa"].post("tenancy/api-keys/", {"name": "Tour integration", "days": 1})
        return Api.with_key(self.url, made["key"])


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def results_for(schema: Row) -> Row:
    """Plausible results for what an outcome of a ticket asks, from its JSON Schema."""
    asked: dict[str, Row] = schema.get("properties", {})
    return {name: _result(name, rule) for name, rule in asked.items()}


def _result(name: str, rule: Row) -> Any:
    serial = f"{random.randrange(10**6):06d}"  # noqa: S311 - a label on a box
    known: dict[str, Any] = {
        "visit_on": (_today() + dt.timedelta(days=2)).isoformat(),
        "modem_mac": "02:" + ":".join(f"{random.randrange(256):02x}" for _ in range(5)),  # noqa: S311
        "modem_serial": f"TM{serial}",
        "stb_serial": f"TS{serial}",
        "rx_dbm": -3.5,
        "snr_db": 37.0,
        "outlet": "living room",
        "reason": "the tour says so",
    }
    if name in known:
        return known[name]
    if "enum" in rule:
        return rule["enum"][0]
    plain: dict[str, Any] = {
        "integer": int(rule.get("minimum", 1)),
        "number": float(rule.get("minimum", 1)),
        "boolean": True,
        "array": [],
        "string": _today().isoformat() if rule.get("format") == "date" else f"tour {serial}",
    }
    return plain[rule.get("type", "string")]
