"""Driver calls: short transaction, call outside any transaction, short transaction.

The first transaction reads what is wanted and writes that a call begins; the call runs under the container's lease;
the last writes how it ended, even when it failed. A process that dies in between leaves a call that "runs" and a lease
that ends by itself; the engine tries again with the same key, the driver reads before it writes, and the lost call is
put on record as of unknown end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from django.conf import settings
from django.db import connections, transaction

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.tenancy import selectors as tenancy
from boss.tenancy.services import driver_networks
from ipservices import sealing, sentences
from ipservices.choices import CallOutcome
from ipservices.contracts import Connection, Desired, Driver, DriverError, Exchange, Restriction, Safety, Unreachable
from ipservices.errors import OutcomeUnknown, UnknownDriver
from ipservices.models import Binding, BindingNode, DriverCall, Service
from ipservices.registry import drivers
from ipservices.services import leases
from workflow import effect_keys

T = TypeVar("T")


class InsideTransaction(RuntimeError):
    """A driver that changes things was called with a transaction open: a programming error."""


@dataclass(frozen=True, slots=True)
class Road:
    """One way to a server: the node it leads over (None: the binding has none) and the connection."""

    node: BindingNode | None
    connection: Connection


@dataclass(frozen=True, slots=True)
class Target:
    """What a call is about, read in one transaction. ``service`` is None for what no service stands for."""

    service: Service | None
    binding: Binding
    desired: Desired
    connection: Connection
    roads: tuple[Road, ...] = ()

    @property
    def row(self) -> Service:
        """The service, for what is done for one."""
        if self.service is None:
            raise TypeError("this call is not about a service")
        return self.service


def refuse_inside_transaction() -> None:
    """What a server did is not undone by a roll-back. A test's own outer transaction does not count."""
    connection = connections[scoping.alias()]
    real = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
    if connection.in_atomic_block and real:
        raise InsideTransaction("drivers are called between transactions, not inside one")


def connection_of(binding: Binding) -> Connection:
    """The binding with its secrets opened, for a driver's eyes only; over the first node that is not known dead."""
    return roads_of(binding)[0].connection


def roads_of(binding: Binding) -> tuple[Road, ...]:
    """Every way to the server in the order to try them: nodes not known to be dead first, each group in its order."""
    realm = tenancy.get_realm(binding.realm_id)
    whole = Connection(
        realm_id=binding.realm_id,
        binding_id=binding.pk,
        settings=binding.settings,
        secrets=sealing.open_secrets(binding),
        deadline_seconds=binding.deadline_seconds,
        networks=driver_networks.reachable_from(realm),
        directories=tuple(settings.BOSS_DRIVER_DIRECTORIES),
    )
    nodes = sorted(
        BindingNode.objects.filter(binding=binding), key=lambda node: (node.failed_at is not None, node.position)
    )
    over = [Road(node, replace(whole, settings={**whole.settings, **node.settings})) for node in nodes]
    return tuple(over) or (Road(None, whole),)


def note_nodes(roads: Iterable[Road], failed: Mapping[int, str]) -> None:
    """Keep which nodes did not answer (``failed``: id to reason) and which did; in the caller's transaction."""
    for road in roads:
        node = road.node
        if node is None:
            continue
        if node.pk in failed:
            BindingNode.objects.filter(pk=node.pk).update(failed_at=clock.now(), detail=failed[node.pk][:500])
        elif node.failed_at is not None:
            BindingNode.objects.filter(pk=node.pk).update(failed_at=None, detail="")


def open_driver(binding: Binding, connection: Connection) -> Driver:
    """An instance for one operation; use it in a ``with``. Raises :class:`UnknownDriver`."""
    kind = drivers.find(binding.driver_key)
    if kind is None:
        raise UnknownDriver(driver=binding.driver_key)
    return kind.driver(connection)


def desired_of(service: Service) -> Desired:
    """The service's desired state. Secrets are sent until a server has confirmed the revision they came with."""
    return Desired(
        service_ref=service.service_ref,
        family=service.family,
        kind=service.kind,
        name=service.name,
        attributes=service.desired,
        restriction=Restriction(service.restriction),
        reason=service.restriction_reason,
        switched_off=frozenset(service.switched_off),
        secrets=sealing.open_secrets(service) if service.is_behind else {},
    )


def target_of(service: Service) -> Target:
    """For a service that has its binding. Call it in a transaction."""
    binding: Binding = service.binding  # type: ignore[assignment]
    roads = roads_of(binding)
    return Target(service, binding, desired_of(service), roads[0].connection, roads)


def perform(
    prepare: Callable[[], Target],
    *,
    actor: Actor,
    operation: Callable[[Target], str],
    key: str,
    act: Callable[[Driver, Target], T],
    after: Callable[[Target, T], None],
    attempt: int = 1,
) -> T:
    """Let ``act`` work with the driver under the container's lease, record it, and run ``after`` with the record.

    ``prepare`` runs in the transaction that writes that the call begins, ``after`` in the one that writes that it
    succeeded. Raises what they or the driver raised, or :class:`OutcomeUnknown` where repeating could do harm.
    """
    refuse_inside_transaction()
    with scoping.realm_transaction(actor.realm_id, actor.label):
        target = prepare()
        binding = target.binding
        driver = open_driver(binding, target.connection)
        unheard = driver.capabilities().safety is Safety.UNSAFE and _close_unheard(target, key)
        container = driver.lock_key(target.desired)
        if not unheard:
            call = _begin(target, actor=actor, operation=operation(target), key=key, attempt=attempt)
            holder = leases.take(binding, container, roads=len(target.roads))
    if unheard:
        raise OutcomeUnknown("the worker was lost during an earlier attempt", server=binding.name)
    started = time.monotonic()
    tape: list[Exchange] = []
    failed: dict[int, str] = {}
    tried: list[Road] = []
    try:
        holder = holder or leases.wait(binding, container, roads=len(target.roads))
        result = _over_the_roads(target, act, tape, tried, failed)
        with scoping.realm_transaction(binding.realm_id, actor.label):
            _done(call, target, tape, _since(started))
            _close_lost(driver, call)
            note_nodes(tried, failed)
            after(target, result)
            leases.give_back(binding, container, holder)
    except Exception as error:
        with scoping.realm_transaction(binding.realm_id, actor.label):
            _failed(call, target, tape, error, _since(started))
            _close_lost(driver, call)
            note_nodes([road for road in tried if road.node and road.node.pk in failed], failed)
            leases.give_back(binding, container, holder)
        if _must_not_be_repeated(driver, error):
            raise OutcomeUnknown(str(error), server=binding.name) from error
        raise
    return result


def _over_the_roads(
    target: Target, act: Callable[[Driver, Target], T], tape: list[Exchange], tried: list[Road], failed: dict[int, str]
) -> T:
    """``act`` over the first node that answers, so that a dead one costs no attempt.

    The driver reads before it writes, so going on after a lost answer repeats nothing, except where repeating is
    unsafe: then the first lost answer ends the call.
    """
    roads = target.roads or (Road(None, target.connection),)
    for number, road in enumerate(roads, start=1):
        driver = open_driver(target.binding, road.connection)
        tried.append(road)
        try:
            with driver:
                return act(driver, target)
        except Unreachable as error:
            if road.node is not None:
                failed[road.node.pk] = str(error)
            unsafe = error.outcome_unknown and driver.capabilities().safety is Safety.UNSAFE
            if number == len(roads) or unsafe:
                raise
        finally:
            tape += driver.tape
    raise AssertionError("there is always a road")


def _close_unheard(target: Target, key: str) -> bool:
    """Put on record that calls under this key died with their worker. True once: who asks again has been told."""
    open_calls = DriverCall.objects.filter(service=target.service, key=key[:200], outcome=CallOutcome.RUNNING)
    return bool(key) and open_calls.exclude(operation__in=["observe", "try"]).update(outcome=CallOutcome.UNKNOWN) > 0


def _close_lost(driver: Driver, call: DriverCall) -> None:
    """Put on record that earlier calls for the service died with their worker, or with our own database.

    Whoever holds the container's lease is alone; one that only waits for it writes its own end later. Where repeating
    is unsafe the open record is what stops the next attempt (:func:`_close_unheard`).
    """
    if call.service_id is None or driver.capabilities().safety is Safety.UNSAFE:
        return
    before = DriverCall.objects.filter(service=call.service_id, outcome=CallOutcome.RUNNING, pk__lt=call.pk)
    before.update(outcome=CallOutcome.UNKNOWN, error="Broken off before its end could be written down.")


def _must_not_be_repeated(driver: Driver, error: Exception) -> bool:
    """An unsafe operation of unknown outcome becomes a ticket, never a blind second attempt."""
    # What is no driver's error (a time limit, a database that went away) says nothing about what the server did.
    unknown = not isinstance(error, DriverError) or error.outcome_unknown
    return unknown and driver.capabilities().safety is Safety.UNSAFE


def look(target: Target, *, actor: Actor, act: Callable[[Driver], T], operation: str = "observe") -> T:
    """A reading call without effect, out of a request.

    The request's transaction is committed before, with the record that the call begins; how it ended is written in one
    of its own; then a new one is opened for the rest of the request (ADR 0144).
    """
    driver = open_driver(target.binding, target.connection)
    call = _begin(target, actor=actor, operation=operation, key="", attempt=1)
    started = time.monotonic()
    with scoping.between_transactions():
        try:
            with driver:
                result = act(driver)
        except Exception as error:
            with transaction.atomic(using=scoping.alias()):
                _failed(call, target, driver.tape, error, _since(started))
            raise
        with transaction.atomic(using=scoping.alias()):
            _done(call, target, driver.tape, _since(started))
    return result


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _begin(target: Target, *, actor: Actor, operation: str, key: str, attempt: int) -> DriverCall:
    call: DriverCall = DriverCall.objects.create(
        service=target.service,
        binding=target.binding,
        operation=operation,
        sentence=sentences.trying(operation, target.desired, target.binding.name),
        request=sentences.masked_request(target.desired),
        key=key[:200],
        run_public_id=effect_keys.run_of(key),
        attempt=attempt,
        actor_label=actor.label[:200],
    )
    return call


def _secrets(target: Target) -> list[str]:
    return [*target.connection.secrets.values(), *target.desired.secrets.values()]


def _done(call: DriverCall, target: Target, tape: list[Exchange], milliseconds: int) -> None:
    DriverCall.objects.filter(pk=call.pk).update(
        outcome=CallOutcome.DONE,
        sentence=sentences.done(call.operation, target.desired, target.binding.name, milliseconds)[:500],
        answer=sentences.masked_exchanges(tape, _secrets(target)),
        milliseconds=milliseconds,
    )


def _failed(call: DriverCall, target: Target, tape: list[Exchange], error: Exception, milliseconds: int) -> None:
    unknown = isinstance(error, DriverError) and error.outcome_unknown
    words = sentences.without_secrets(str(error) or type(error).__name__, _secrets(target))
    DriverCall.objects.filter(pk=call.pk).update(
        outcome=CallOutcome.UNKNOWN if unknown else CallOutcome.FAILED,
        sentence=sentences.failed(call.operation, target.desired, target.binding.name, words, call.attempt),
        answer=sentences.masked_exchanges(tape, _secrets(target)),
        error_code=getattr(error, "code", "ipservices.driver_fault"),
        error=words[:2000],
        milliseconds=milliseconds,
    )
