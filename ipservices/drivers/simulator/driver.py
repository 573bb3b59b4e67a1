"""The simulator: one driver for every family, whose servers live in tables and fail on demand.

It behaves as a separate machine: own transactions, own idea of what it holds, an effects log an outside judge can
read. Practice realms, demos and tests bind their families to it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic
from ipservices.contracts import (
    TRIAL_REF,
    AuthFailed,
    Capabilities,
    Conflict,
    Desired,
    Driver,
    DriverError,
    Health,
    Held,
    Invalid,
    Observed,
    Restriction,
    Safety,
    Transient,
    Unreachable,
    UsageReading,
    UsageSample,
    counted_since,
)
from ipservices.drivers.simulator import client, store
from ipservices.drivers.simulator.samples import SAMPLES
from ipservices.families import kinds
from ipservices.models import SimulatedObject, SimulatedServer

_MOST_AT_ONCE = 500
"""Objects in one request."""


class SimulatorDriver(Driver):
    key = "simulator"
    title = _("Simulated server")
    settings: ClassVar[tuple[Characteristic, ...]] = (
        Characteristic("server", label=_("Server"), max_length=80, help=_("Bindings that name the same one share it.")),
        Characteristic("reverse_zones", label=_("Reverse zones"), help=_("their addresses get reverse records")),
    )
    secrets: ClassVar[tuple[Characteristic, ...]] = (Characteristic("secret", "secret", label=_("Secret")),)

    @classmethod
    def capabilities(cls) -> Capabilities:
        return Capabilities(
            kinds=frozenset(key for key, _kind in kinds),
            restrictions=frozenset(Restriction),
            cuts_sessions=True,
            usage=True,
            sign_in=True,
            safety=Safety.IDEMPOTENT,
        )

    @property
    def server_name(self) -> str:
        return str(self.connection.settings.get("server") or f"binding-{self.connection.binding_id}")

    def validate(self, desired: Desired) -> None:
        kind = kinds.find(desired.full_kind)
        if kind is None:
            raise Invalid(f"there is no kind {desired.full_kind}")
        if not desired.name:
            raise Invalid("the object has no name", fields={"name": ["a name is needed"]})
        missing = [key for key in kind.required if desired.attributes.get(key) in (None, "", [])]
        if missing:
            raise Invalid(
                f"{desired.name}: {', '.join(missing)} missing", fields={key: ["this is needed"] for key in missing}
            )

    def lock_key(self, desired: Desired) -> str:
        return f"{desired.full_kind}:{desired.name}"

    # --- changes

    def apply(self, desired: Desired, *, key: str) -> None:
        with self._change("apply", desired) as server:
            if server.faults.get("wrong"):
                return
            row = store.find(server, desired.full_kind, desired.name, lock=True)
            if row is not None and row.service_ref != desired.service_ref:
                raise Conflict(f"{desired.name} belongs to {row.service_ref or 'nobody BOSS knows'}")
            changed = row is None or _differs(row, desired)
            row = row or SimulatedObject(server=server, full_kind=desired.full_kind, name=desired.name)
            if changed:
                _write(row, desired)
                row.save()
            store.log(server, key=key, operation="apply", full_kind=row.full_kind, name=row.name, changed=changed)

    def remove(self, desired: Desired, *, key: str) -> None:
        with self._change("remove", desired) as server:
            if server.faults.get("wrong"):
                return
            row = store.find(server, desired.full_kind, desired.name, lock=True)
            if row is not None and row.service_ref != desired.service_ref:
                raise Conflict(f"{desired.name} belongs to {row.service_ref or 'nobody BOSS knows'}")
            if row is not None:
                row.delete()
            store.log(
                server,
                key=key,
                operation="remove",
                full_kind=desired.full_kind,
                name=desired.name,
                changed=row is not None,
            )

    def cut_sessions(self, desired: Desired) -> int:
        with self._change("cut sessions", desired) as server:
            row = store.find(server, desired.full_kind, desired.name, lock=True)
            cut = row.sessions if row is not None else 0
            if row is not None and cut:
                row.sessions = 0
                row.save(update_fields=["sessions"])
        return cut

    # --- reads

    def observe(self, desired: Desired) -> Observed | None:
        with self._exchange({"operation": "read", "object": desired.name}) as (server, answer):
            row = store.find(server, desired.full_kind, desired.name)
            found = None if row is None else _observed(row)
            answer["found"] = None if found is None else {"attributes": found.attributes, "state": found.restriction}
        return found

    def observe_many(self, desireds: Sequence[Desired], *, max_age: float = 0.0) -> Iterator[Observed | None]:
        for place in range(0, len(desireds), _MOST_AT_ONCE):
            part = desireds[place : place + _MOST_AT_ONCE]
            self.deadline.restart()
            with self._exchange({"operation": "read", "objects": len(part)}) as (server, answer):
                held = store.find_many(server, [desired.name for desired in part])
                answer["found"] = len(held)
            for desired in part:
                row = held.get((desired.full_kind, desired.name))
                yield None if row is None else _observed(row)

    def usage(self, cursor: Mapping[str, Any]) -> UsageReading:
        samples: list[UsageSample] = []
        seen: dict[str, dict[str, int]] = {}
        with self._exchange({"operation": "usage"}) as (server, answer):
            for row in SimulatedObject.objects.filter(server=server).exclude(counters={}).order_by("id"):
                place = f"{row.full_kind}:{row.name}"
                before: Mapping[str, int] = cursor.get(place, {})
                seen[place] = row.counters
                samples += [
                    UsageSample(row.service_ref, metric, counted_since(before.get(metric, 0), now))
                    for metric, now in row.counters.items()
                    if now != before.get(metric, 0)
                ]
            answer["samples"] = len(samples)
        return UsageReading(tuple(samples), seen)

    def list_all(self) -> Iterable[Held]:
        with self._exchange({"operation": "list"}) as (server, answer):
            rows = SimulatedObject.objects.filter(server=server).exclude(service_ref="").order_by("id")
            held = [_held(row) for row in rows]
            answer["objects"] = len(held)
        return held

    def list_after(self, place: str, *, most: int) -> tuple[list[Held], str]:
        with self._exchange({"operation": "list", "after": place}) as (server, answer):
            rows = SimulatedObject.objects.filter(server=server, pk__gt=int(place or 0)).exclude(service_ref="")
            page = list(rows.order_by("id")[:most])
            answer["objects"] = len(page)
        return [_held(row) for row in page], str(page[-1].pk) if len(page) == most else ""

    def health(self) -> Health:
        started = time.monotonic()
        try:
            with self._exchange({"operation": "health"}) as (server, _answer):
                alive = not server.faults.get("service_dead")
        except DriverError as error:
            return Health(False, False, str(error), round((time.monotonic() - started) * 1000))
        detail = "" if alive else "the service itself does not answer"
        return Health(True, alive, detail, round((time.monotonic() - started) * 1000))

    @classmethod
    def signs_in(cls, settings: Mapping[str, Any]) -> bool:
        return False  # its links lead nowhere, so nobody is offered one

    def sign_in_link(self, desired: Desired) -> str | None:
        if desired.full_kind != "mail.mailbox":
            return None
        token = store.digest(f"{desired.name}:{int(time.time()) // 60}")[:24]
        return f"https://webmail.invalid/sign-in?box={desired.name}&once={token}"

    def trial(self, full_kind: str, number: int = 0) -> Desired:
        family, _dot, kind = full_kind.partition(".")
        name, attributes, change = SAMPLES.get(full_kind, (f"kit-{kind}", {"values": {}}, {}))
        if number:
            attributes = {**attributes, **change, "note": number}
        return Desired(TRIAL_REF, family, kind, name, attributes)

    def gets_through(self, desired: Desired, switch: str = "") -> bool | None:
        realm_id = self.connection.realm_id
        return client.can_use(realm_id, self.server_name, desired.full_kind, desired.name, switch)

    # --- the pretended wire, with its faults

    @contextmanager
    def _change(self, operation: str, desired: Desired) -> Iterator[SimulatedServer]:
        written = {"operation": operation, "object": desired.name, "attributes": dict(desired.attributes)}
        if operation != "apply":
            del written["attributes"]
        elif desired.restriction is not Restriction.NONE:
            written["state"] = desired.restriction
        with self._exchange(written, changes=True) as (server, _answer):
            yield server

    @contextmanager
    def _exchange(
        self, written: Mapping[str, Any], *, changes: bool = False
    ) -> Iterator[tuple[SimulatedServer, dict[str, Any]]]:
        """One request: wait as told, do it in its own transaction, lose the answer as told."""
        started = time.monotonic()
        answer: dict[str, Any] = {}
        realm_id, name = self.connection.realm_id, self.server_name
        try:
            with store.request(realm_id, name) as server:
                faults: dict[str, Any] = dict(server.faults)
                self._gate(server, changes)
                pause = float(faults.get("slow") or 0)
                if not pause:
                    yield server, answer
            too_late = False
            if pause:  # never asleep with a transaction open
                time.sleep(min(pause, self.deadline.left))
                too_late = self.deadline.passed
                if too_late and not changes:
                    raise Unreachable("no answer in time")
                with store.request(realm_id, name) as server:
                    yield server, answer
            if too_late or (changes and faults.get("answer_lost")):
                raise Unreachable("no answer in time" if too_late else "the connection broke", outcome_unknown=True)
        except DriverError as error:
            self.note(written, {"error": str(error)}, started)
            raise
        self.note(written, {"status": "ok", **answer}, started)

    def _gate(self, server: SimulatedServer, changes: bool) -> None:
        """What the server says before it looks at the request."""
        if server.faults.get("down"):
            raise Unreachable(f"no connection to {server.name}")
        if server.secret and self.connection.secrets.get("secret", "") != server.secret:
            raise AuthFailed("the secret is wrong")
        if changes and server.faults.get("refuses") == "busy":
            raise Transient("the server is busy")
        if changes and server.faults.get("refuses"):
            raise Invalid("the server refuses this")


def _held(row: SimulatedObject) -> Held:
    return Held(row.service_ref, row.full_kind.partition(".")[2], row.name)


def _differs(row: SimulatedObject, desired: Desired) -> bool:
    return (
        any(row.attributes.get(key) != value for key, value in desired.attributes.items())
        or row.restriction != desired.restriction
        or sorted(row.switched_off) != sorted(desired.switched_off)
        or any(row.secret_digests.get(key) != store.digest(value) for key, value in desired.secrets.items())
        or (desired.exact and (row.attributes != desired.attributes or desired.native != store.picture(row)))
    )


def _write(row: SimulatedObject, desired: Desired) -> None:
    row.service_ref = desired.service_ref
    row.attributes = dict(desired.attributes)
    row.restriction = str(desired.restriction)
    row.switched_off = sorted(desired.switched_off)
    # An exact restore brings back also that there was none.
    former = desired.native.get("secret_digests", {}) if desired.exact else row.secret_digests
    row.secret_digests = {
        **former,
        **{key: store.digest(value) for key, value in desired.secrets.items()},
    }
    row.changes += 1


def _observed(row: SimulatedObject) -> Observed:
    family, _dot, kind = row.full_kind.partition(".")
    return Observed(
        service_ref=row.service_ref,
        family=family,
        kind=kind,
        name=row.name,
        attributes=row.attributes,
        restriction=Restriction(row.restriction),
        switched_off=frozenset(row.switched_off),
        native=store.picture(row),
        sessions=row.sessions,
    )
