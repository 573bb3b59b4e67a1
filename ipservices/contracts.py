"""What a driver is: the one contract between BOSS and every server it provisions.

A driver turns a **desired** state, written in neutral words, into one server's own terms, applies it idempotently,
reads it back and compares. It knows one server product; nothing else in BOSS knows its name. The abstract base
:class:`Driver` holds what is the same for all: establish = look, apply, read back, compare, cut; restore = the same
with the former state. ``tests/drivers`` holds the conformance kit that every driver must pass.

The contract in short:

- every call may be repeated; ``apply`` twice is as good as once, ``remove`` of what is gone succeeds;
- a time-out means *unknown*: the error says so (``outcome_unknown``) and the next attempt reads before it writes;
- the BOSS service id (``service_ref``) is written into the native object, so orphans and usage need no guessing;
- every call ends within the binding's deadline, counted on the wall clock and not per read;
- a driver never opens a database transaction around a call, and holds no state between calls.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, Self

from django.utils.translation import gettext_lazy as _

from boss.core.problems import Problem, Text
from boss.core.schema import Characteristic


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


# --- errors ----------------------------------------------------------------------------------------------------------


class DriverError(Problem):
    """Base of what a driver may raise. ``retryable``: trying again may help without a person.

    ``outcome_unknown``: the request may have taken effect (a time-out after sending). Whoever tries again reads first.
    """

    code = "ipservices.driver_error"
    status = 502
    title = _("The server could not do this.")
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: Text = "",
        *,
        outcome_unknown: bool = False,
        fields: dict[str, list[str]] | None = None,
        **data: Any,
    ) -> None:
        self.outcome_unknown = outcome_unknown
        super().__init__(detail, fields=fields, **data)


class Invalid(DriverError):
    """The server can never accept this desired state; trying again is useless."""

    code = "ipservices.driver_invalid"
    status = 422
    title = _("The server does not accept these values.")


class Conflict(DriverError):
    """The native object exists and belongs to somebody else."""

    code = "ipservices.driver_conflict"
    status = 409
    title = _("The name is taken on the server by something that is not this service.")


class Transient(DriverError):
    """Busy, locked, overloaded: the same request may succeed later."""

    code = "ipservices.driver_busy"
    status = 503
    title = _("The server is busy.")
    retryable = True


class AuthFailed(DriverError):
    """The server refuses BOSS's credentials; a person has to correct the binding."""

    code = "ipservices.driver_auth_failed"
    title = _("The server refuses the credentials.")


class Unreachable(DriverError):
    """No answer. With ``outcome_unknown`` the request may have taken effect."""

    code = "ipservices.driver_unreachable"
    status = 504
    title = _("The server does not answer.")
    retryable = True


class Unverified(DriverError):
    """The server said yes, but what it holds is not what was asked for."""

    code = "ipservices.driver_unverified"
    title = _("The server agreed, but what it holds differs.")
    retryable = True


# --- values ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a driver can do. ``kinds`` are "family.kind" pairs, for instance ``dns.zone``."""

    kinds: frozenset[str]
    restrictions: frozenset[Restriction]
    cuts_sessions: bool = False
    usage: bool = False
    sign_in: bool = False
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
    def left(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._ends - time.monotonic())

    @property
    def passed(self) -> bool:
        return self.left <= 0


def counted_since(before: int, now: int) -> int:
    """What a counter moved by. A counter below its former value was reset: all it shows is new."""
    return now - before if now >= before else now


# --- the contract ----------------------------------------------------------------------------------------------------


class Driver(ABC):
    """A server product BOSS can provision. One instance serves one connection for one operation."""

    key: ClassVar[str]
    title: ClassVar[Text]
    settings: ClassVar[tuple[Characteristic, ...]] = ()
    secrets: ClassVar[tuple[Characteristic, ...]] = ()

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.deadline = Deadline(connection.deadline_seconds)
        self.tape: list[Exchange] = []

    @classmethod
    @abstractmethod
    def capabilities(cls) -> Capabilities:
        """What this driver can do, whatever the connection."""

    @abstractmethod
    def validate(self, desired: Desired) -> None:
        """Raise :class:`Invalid` (with ``fields``) for what the server can never accept. Asks no server."""

    @abstractmethod
    def lock_key(self, desired: Desired) -> str:
        """The native container that must not be changed twice at a time: a zone, a user, a configuration."""

    @abstractmethod
    def apply(self, desired: Desired, *, key: str) -> None:
        """Bring the server to ``desired``. ``key`` is the same over all attempts of one intent."""

    @abstractmethod
    def observe(self, desired: Desired) -> Observed | None:
        """Read the native object back in full; None when it is not there. Only ``family, kind, name`` are looked at."""

    @abstractmethod
    def remove(self, desired: Desired, *, key: str) -> None:
        """Take the native object away. Success when it is already gone; :class:`Conflict` when it is another's."""

    @abstractmethod
    def list_all(self) -> Iterable[Held]:
        """Everything on the server that carries a BOSS service id."""

    @abstractmethod
    def health(self) -> Health:
        """Prove the service through the service plane, not only through the control plane. Never raises."""

    def cut_sessions(self, desired: Desired) -> int:
        """End live sessions of the service; how many were ended. Zero where the server knows none."""
        return 0

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        """Usage of all services of this connection since ``cursor`` (empty: since ever)."""
        return UsageReading((), cursor)

    def sign_in_link(self, desired: Desired) -> str | None:
        """A short-lived address that signs the owner in at the service (webmail), where that makes sense."""
        return None

    def compare(self, desired: Desired, observed: Observed | None) -> tuple[Difference, ...]:
        """In what the server differs from ``desired``; empty when as wanted. Attributes not asked for are free."""
        if observed is None:
            return (Difference("presence", "present", "absent"),)
        differences = [
            Difference(key, wanted, observed.attributes.get(key))
            for key, wanted in desired.attributes.items()
            if observed.attributes.get(key) != wanted
        ]
        if desired.exact:
            extra = sorted(set(observed.attributes) - set(desired.attributes))
            differences += [Difference(key, None, observed.attributes[key]) for key in extra]
        pairs: tuple[tuple[str, Any, Any], ...] = (
            ("service_ref", desired.service_ref, observed.service_ref),
            ("restriction", self.capabilities().nearest(desired.restriction), observed.restriction),
            ("switched_off", sorted(desired.switched_off), sorted(observed.switched_off)),
        )
        differences += [Difference(name, wanted, found) for name, wanted, found in pairs if wanted != found]
        return tuple(differences)

    def close(self) -> None:  # noqa: B027 - most drivers hold nothing
        """Give back what the instance holds (open connections)."""

    # What is the same for every driver.

    def __enter__(self) -> Self:
        self.deadline.restart()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def establish(self, desired: Desired, *, key: str) -> Observed:
        """Look, apply what differs, read back, compare; when restricted, cut what is still open.

        Raises :class:`Unverified` when the server agreed but holds something else.
        """
        self.validate(desired)
        present = self.observe(desired)
        if present is not None and present.service_ref != desired.service_ref:
            raise Conflict(f"{desired.name} belongs to {present.service_ref or 'nobody BOSS knows'}", name=desired.name)
        # New secrets cannot be compared with what the server holds, so they are always sent.
        if present is None or desired.secrets or desired.exact or self.compare(desired, present):
            self.apply(desired, key=key)
            present = self.observe(desired)
            differences = self.compare(desired, present)
            if differences or present is None:
                found = "; ".join(str(difference) for difference in differences)
                raise Unverified(found, name=desired.name)
        if desired.restriction is not Restriction.NONE and self.capabilities().cuts_sessions:
            self.cut_sessions(desired)
            present = self.observe(desired) or present
        return present

    def take_away(self, desired: Desired, *, key: str) -> None:
        """Cut, remove and make sure it is gone. Raises :class:`Unverified` when it is still there."""
        present = self.observe(desired)
        if present is not None and present.service_ref != desired.service_ref:
            raise Conflict(f"{desired.name} belongs to {present.service_ref or 'nobody BOSS knows'}", name=desired.name)
        if present is not None and self.capabilities().cuts_sessions:
            self.cut_sessions(desired)
        self.remove(desired, key=key)
        if self.observe(desired) is not None:
            raise Unverified(f"{desired.name} is still there after its removal", name=desired.name)

    def restore(self, desired: Desired, former: Observed | None, *, key: str) -> Observed | None:
        """Undo: put back exactly what was there before, or remove where there was nothing."""
        if former is None:
            self.take_away(desired, key=key)
            return None
        return self.establish(replace(former.as_desired(), reason=desired.reason), key=key)

    def note(self, request: Mapping[str, Any], answer: Mapping[str, Any], started: float) -> None:
        """Put one exchange on the tape (``started`` from ``time.monotonic``)."""
        self.tape.append(Exchange(dict(request), dict(answer), round((time.monotonic() - started) * 1000)))
