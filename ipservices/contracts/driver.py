"""The abstract driver: what each must do, and what is the same for all."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from boss.core.problems import Text
from boss.core.schema import Characteristic
from ipservices.contracts.refusals import Conflict, Invalid, Unverified
from ipservices.contracts.values import (
    Capabilities,
    Connection,
    Deadline,
    Desired,
    Difference,
    Exchange,
    Health,
    Held,
    LeaseReading,
    Network,
    Observed,
    Restriction,
    UsageReading,
)

TRIAL_REF = "svc-kit000000001"
"""The service id of what is made to try a driver; no service of BOSS can have it."""


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
        self._listed: list[tuple[str, Held]] | None = None

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

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        """About ``most`` of what :meth:`list_all` gives, and the place to go on from: after it (empty: the beginning)
        another call, of another instance too, gives the next ones. Empty when that was the end.

        What is on the server all the while is given once; what comes or goes meanwhile may be missed. A driver that
        can read on from a place does so. Here everything is listed once for an instance and kept.
        """
        if self._listed is None:
            held = ((f"{one.kind} {one.name} {one.service_ref}", one) for one in self.list_all())
            self._listed = sorted(held, key=lambda named: named[0])
        start = bisect_right(self._listed, place, key=lambda named: named[0])
        page = self._listed[start : start + most]
        return [one for _place, one in page], page[-1][0] if start + most < len(self._listed) else ""

    @abstractmethod
    def health(self) -> Health:
        """Prove the service through the service plane, not only through the control plane. Never raises."""

    @abstractmethod
    def trial(self, full_kind: str, number: int = 0) -> Desired:
        """A harmless desired state for trying this very connection: a name inside the binding's own zone or domain.

        Another ``number`` gives other values under the same name; ``service_ref`` is :data:`TRIAL_REF`. Raises
        :class:`Invalid` where the binding's settings leave no place for this kind.
        """

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        """What :meth:`observe` says of each, in their order, one after the other as they are asked for.

        The deadline begins anew for each piece of work. A driver whose reading is dear (a whole zone for one name, a
        statement for one user) reads once for many; with ``max_age`` it may answer from what this instance read up to
        so many seconds ago, without it everything is read for this call.
        """
        for desired in desireds:
            self.deadline.restart()
            yield self.observe(desired)

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        """Ask through the service plane, as a subscriber's own program would (a query, a log-in with
        ``desired.secrets``), whether the service, or what stands behind one of the owner's switches, works.

        None where this driver has no way to tell. Raises Unreachable when nothing answers at all.
        """
        return None

    def cut_sessions(self, desired: Desired) -> int:
        """End live sessions of the service; how many were ended. Zero where the server knows none."""
        return 0

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        """Usage of all services of this connection since ``cursor`` (empty: since ever)."""
        return UsageReading((), cursor)

    def publish_networks(self, networks: Sequence[Network]) -> int:
        """Make the server serve these networks, beside what else it serves; how many it did not serve so yet."""
        return 0

    def lease_events(self, cursor: Mapping[str, Any]) -> LeaseReading:
        """Who got and lost an address of this server since ``cursor`` (empty: since ever). Renewals are no events."""
        return LeaseReading((), cursor)

    def purge(self) -> int:
        """Delete for good what was removed longer ago than the grace period; how much. Nothing where removal is final.

        Called from time to time; what is there again since then stays.
        """
        return 0

    def taking_address(self) -> str:
        """Where another server hands over what is in its objects, in the words of that way
        (:attr:`Capabilities.hands_over`); empty where this connection names none.
        """
        return ""

    def hand_over(self, desired: Desired, address: str) -> None:
        """Make what is in the object at the server with that address exactly what is in it here, whatever it was there.

        The object is there already. Takes as long as the connection's deadline says; what was copied until then stays,
        and the next call goes on. Raises the typed errors.
        """
        raise Invalid("this server hands nothing over")

    def contents(self, desired: Desired) -> Mapping[str, Any]:
        """What is in the object, in numbers alike at two servers exactly when both hold the same: by folder, with
        ``messages`` and ``octets``. Empty where the driver cannot tell, or there is nothing.
        """
        return {}

    @classmethod
    def signs_in(cls, settings: Mapping[str, Any]) -> bool:
        """Whether a connection with these settings gives sign-in links."""
        return cls.capabilities().sign_in

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
        return self.establish_from(self.observe(desired), desired, key=key)

    def establish_from(self, present: Observed | None, desired: Desired, *, key: str) -> Observed:
        """The same for who has validated and looked already: ``present`` is what :meth:`observe` gave just now."""
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
