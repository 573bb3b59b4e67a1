"""What passes between BOSS and a driver: plain, frozen values in neutral words."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ipservices.contracts.refusals import Invalid


class Restriction(StrEnum):
    """How much of a service is shut. Ordered from open to closed by :attr:`severity`."""

    NONE = "none"
    OUTGOING_BARRED = "outgoing_barred"
    WALLED = "walled"
    BLOCKED = "blocked"

    @property
    def severity(self) -> int:
        return list(Restriction).index(self)


class Safety(StrEnum):
    """What a repeated operation does: nothing more, nothing more after a look, or possibly harm."""

    IDEMPOTENT = "idempotent"
    READBACK = "readback"
    UNSAFE = "unsafe"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do. ``kinds`` are "family.kind" pairs, for instance ``dns.zone``.

    ``networks``: it must be told which networks the realm hands out of; ``leases``: it sees who really has an address.
    ``hands_over``: a name for the way in which this server gives what owners have put into an object (mail) straight to
    another server whose driver names the same way; empty where it cannot.
    """

    kinds: frozenset[str]
    restrictions: frozenset[Restriction]
    cuts_sessions: bool = False
    usage: bool = False
    sign_in: bool = False
    networks: bool = False
    leases: bool = False
    hands_over: str = ""
    safety: Safety = Safety.READBACK

    @property
    def families(self) -> frozenset[str]:
        return frozenset(kind.partition(".")[0] for kind in self.kinds)

    def nearest(self, restriction: Restriction) -> Restriction:
        """The mildest restriction this driver can enforce that is at least as strict as asked."""
        able = sorted(
            (own for own in self.restrictions if own.severity >= restriction.severity), key=lambda r: r.severity
        )
        if restriction is Restriction.NONE:
            return restriction
        if not able:
            raise Invalid(f"this driver cannot enforce {restriction}", restriction=str(restriction))
        return able[0]


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one server: a binding with its secrets opened. Never logged, never stored."""

    realm_id: int
    binding_id: int
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    deadline_seconds: float = 10.0
    # Private networks the platform operator lets this realm's drivers reach; public addresses need no entry.
    networks: tuple[str, ...] = ()
    # Directories in which the platform operator lets drivers write what a server reads only from a file.
    directories: tuple[str, ...] = ()
    # Whether a call may go over what an earlier one opened. Not where the log-in itself is to be proved.
    may_be_kept: bool = True

    @property
    def owner(self) -> tuple[int, int] | None:
        """For whom open connections may be kept from one call to the next: this realm's use of this binding."""
        return (self.realm_id, self.binding_id) if self.may_be_kept else None


@dataclass(frozen=True, slots=True)
class Desired:
    """The state a service should have, in neutral words (``ipservices/families.py`` names the attributes).

    ``name`` identifies the native object: a zone, a mailbox address, a number, a log-in. ``restriction`` is the
    operator's suspension; ``switched_off`` are the owner's own switches, kept apart: the effective state is both, and
    lifting the suspension never touches the owner's. Empty ``secrets`` leave the server's secrets as they are.
    With ``exact`` nothing else may be there: a former state is put back, and ``native`` carries what the neutral
    words do not say of it.
    """

    service_ref: str
    family: str
    kind: str
    name: str
    attributes: Mapping[str, Any]
    restriction: Restriction = Restriction.NONE
    reason: str = ""
    switched_off: frozenset[str] = frozenset()
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    native: Mapping[str, Any] = field(default_factory=dict, repr=False)
    exact: bool = False

    @property
    def full_kind(self) -> str:
        return f"{self.family}.{self.kind}"


@dataclass(frozen=True, slots=True)
class Observed:
    """What the server holds, read back into the same neutral words; ``native`` is enough to put it back exactly."""

    service_ref: str
    family: str
    kind: str
    name: str
    attributes: Mapping[str, Any]
    restriction: Restriction = Restriction.NONE
    switched_off: frozenset[str] = frozenset()
    native: Mapping[str, Any] = field(default_factory=dict, repr=False)
    sessions: int = 0

    def as_desired(self) -> Desired:
        """This state as something to be established again: how undo restores what was there before."""
        return Desired(
            service_ref=self.service_ref,
            family=self.family,
            kind=self.kind,
            name=self.name,
            attributes=self.attributes,
            restriction=self.restriction,
            switched_off=self.switched_off,
            native=self.native,
            exact=True,
        )

    def as_json(self) -> dict[str, Any]:
        """For keeping. ``native`` may hold password hashes: seal it."""
        return {
            "service_ref": self.service_ref,
            "family": self.family,
            "kind": self.kind,
            "name": self.name,
            "attributes": dict(self.attributes),
            "restriction": str(self.restriction),
            "switched_off": sorted(self.switched_off),
            "native": dict(self.native),
            "sessions": self.sessions,
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Observed:
        return Observed(
            **{
                **kept,
                "restriction": Restriction(kept["restriction"]),
                "switched_off": frozenset(kept["switched_off"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Difference:
    """One point in which the server differs from the desired state."""

    field: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.field}: wanted {self.wanted!r}, found {self.found!r}"


@dataclass(frozen=True, slots=True)
class Held:
    """One native object that carries a BOSS service id, for finding orphans."""

    service_ref: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class UsageSample:
    """``amount`` of ``metric`` (unit in its name: ``octets_in``, ``calls``) used since the previous reading."""

    service_ref: str
    metric: str
    amount: int


@dataclass(frozen=True, slots=True)
class UsageReading:
    """Samples since the cursor handed in, and the cursor for next time."""

    samples: tuple[UsageSample, ...]
    cursor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Network:
    """A network the realm hands addresses out of. ``number`` is its own for ever in the whole installation."""

    number: int
    network: str
    gateway: str = ""


@dataclass(frozen=True, slots=True)
class LeaseEvent:
    """From ``at`` on a client has an address or prefix (``opened``), or has it no more.

    ``identifier`` is the client as the server knows it (``mac:…``, ``duid:…``); ``service_ref`` is the service it was
    reserved for at that moment, empty when there was none.
    """

    opened: bool
    address: str
    length: int
    identifier: str
    service_ref: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class LeaseReading:
    """Events since the cursor handed in, oldest first, and the cursor for next time."""

    events: tuple[LeaseEvent, ...]
    cursor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Health:
    """``control``: BOSS can change things. ``service``: subscribers are being served, proved through the service."""

    control: bool
    service: bool
    detail: str = ""
    milliseconds: int = 0

    @property
    def is_good(self) -> bool:
        return self.control and self.service


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request to a server and its answer, as the driver saw it. Masked before it is stored."""

    request: Mapping[str, Any]
    answer: Mapping[str, Any]
    milliseconds: int


class Deadline:
    """A wall-clock limit for a whole driver call, whatever number of requests it takes."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def restart(self) -> None:
        """Count from now: waiting for a container's lease is not the server's time."""
        self._ends = time.monotonic() + self._seconds

    @property
    def seconds(self) -> float:
        """All that the call has, from its beginning."""
        return self._seconds

    @property
    def left(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0


def counted_since(before: int, now: int, *, anew: bool = False) -> int:
    """What a counter moved by. A counter below its former value was reset: all it shows is new.

    ``anew``: the server is known to have begun counting anew since, so that one that has come as far again tells too.
    """
    return now if anew or now < before else now - before
