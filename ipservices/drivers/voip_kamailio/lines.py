"""A voice line as Kamailio's tables hold it and as BOSS's neutral words say it: both ways, asking nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ipservices.contracts import Restriction

STATES = {Restriction.NONE: "active", Restriction.OUTGOING_BARRED: "incoming", Restriction.BLOCKED: "blocked"}
_RESTRICTIONS = {state: restriction for restriction, state in STATES.items()}
SWITCHES = {"outgoing": "own_outgoing", "voicemail": "own_voicemail"}
CLASSES = ("international", "premium")
NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
SECRET = ("password", "ha1", "ha1b")
COLUMNS = (
    *SECRET, "boss_service", "boss_state", "own_outgoing", "own_voicemail", "max_calls", "bar_abroad", "bar_premium",
    "emergency", "display_name", "forward_to", "voicemail", "international_minutes", "device",
)  # fmt: skip
"""What BOSS reads and writes of a row of ``subscriber``, beside its name."""

_PLAIN: dict[str, str] = {
    "channels": "max_calls",
    "display_name": "display_name",
    "forward_to": "forward_to",
    "voicemail": "voicemail",
    "international_minutes": "international_minutes",
    "device": "device",
}
_SPELL: dict[str, Callable[[Any], Any]] = {
    "channels": lambda value: int(value or 0),
    "display_name": lambda value: str(value or ""),
    "forward_to": lambda value: str(value or ""),
    "voicemail": bool,
    "international_minutes": lambda value: int(value or 0),
    "device": lambda value: str(value or ""),
    "barring": lambda value: sorted(str(one) for one in value or []),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a binding says of numbers: the country's code, how premium numbers begin, and the emergency numbers."""

    country: str
    premium: tuple[str, ...]
    emergency: tuple[str, ...]

    @property
    def premium_pattern(self) -> str:
        return f"^({'|'.join(self.premium)})" if self.premium else ""

    @property
    def emergency_pattern(self) -> str:
        return "|".join(self.emergency)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of ``subscriber`` and the numbers that lead to it."""

    row: Mapping[str, Any] = field(repr=False)
    numbers: tuple[str, ...] = ()

    @property
    def service_ref(self) -> str:
        return str(self.row["boss_service"])

    def as_native(self) -> dict[str, Any]:
        """Enough to put exactly this back, with the hash of a password nobody may know any more."""
        return {**{column: self.row[column] for column in COLUMNS}, "numbers": list(self.numbers)}


def user_of(number: str) -> str:
    """By what a telephone logs in: the number without its plus."""
    return number.removeprefix("+")


def normal(attributes: Mapping[str, Any], number: str) -> dict[str, Any]:
    """The attributes that are said, in the one spelling in which they are read back. Raises ValueError, TypeError."""
    said = {key: _SPELL[key](value) if key in _SPELL else value for key, value in attributes.items()}
    return {**said, "number": number}


def columns_of(
    attributes: Mapping[str, Any], restriction: Restriction, switched_off: frozenset[str], rules: Rules
) -> dict[str, Any]:
    """The columns that say these words; ``attributes`` in their one spelling. What is not said has no column."""
    found: dict[str, Any] = {column: attributes[key] for key, column in _PLAIN.items() if key in attributes}
    if "barring" in attributes:
        barred = attributes["barring"]
        found["bar_abroad"] = rules.country if "international" in barred else ""
        found["bar_premium"] = rules.premium_pattern if "premium" in barred else ""
    found["emergency"] = rules.emergency_pattern
    found["boss_state"] = STATES[restriction]
    return found | {column: int(switch not in switched_off) for switch, column in SWITCHES.items()}


def words_of(line: Line, number: str, rules: Rules) -> tuple[dict[str, Any], Restriction, frozenset[str]]:
    """Attributes, restriction and what the owner switched off. A bar counts only if it is the binding's own."""
    row = line.row
    attributes: dict[str, Any] = {key: row[column] for key, column in _PLAIN.items()}
    attributes["number"] = number if number in line.numbers else ""
    bars = {"international": (row["bar_abroad"], rules.country), "premium": (row["bar_premium"], rules.premium_pattern)}
    attributes["barring"] = [name if value == right else f"{name}: {value}"
                             for name, (value, right) in sorted(bars.items()) if value]  # fmt: skip
    off = frozenset(switch for switch, column in SWITCHES.items() if not row[column])
    # A state nobody knows lets a line be called and not call: that is what the server's own rules make of it.
    return attributes, _RESTRICTIONS.get(str(row["boss_state"]), Restriction.OUTGOING_BARRED), off
