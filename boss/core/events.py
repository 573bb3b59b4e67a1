"""Facts: what happened, told to whoever registered for it, after commit and at least once.

A fact is a frozen dataclass in the past tense that carries ids only::

    @fact("subscribers.order_completed")
    @dataclass(frozen=True)
    class OrderCompleted:
        order_id: int

``publish`` writes it to the outbox in the caller's transaction, with one delivery row per handler. The relay
(``boss.core.relay``) delivers each in its own transaction, so one failing handler holds up no other.
What must be atomic never goes this way: call down instead.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction

from boss.core import scoping
from boss.core.models import Fact, FactDelivery
from boss.core.registry import Registry

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class FactKind:
    name: str
    cls: type[Any]


@dataclass(frozen=True, slots=True)
class Handler:
    """``key`` names the handler for ever (it is stored); ``handle`` gets the fact and must bear being called twice."""

    key: str
    fact: str
    handle: Callable[[Any], None]


facts: Registry[FactKind] = Registry("facts", FactKind)
handlers: Registry[Handler] = Registry("fact handlers", Handler)
# Set by boss.core.apps: wakes the relay after commit. A lost wake-up only delays until the next sweep.
wake: list[Callable[[int], None]] = []


def fact(name: str) -> Callable[[type[C]], type[C]]:
    """Class decorator naming a fact for the outbox and for webhooks."""

    def named(cls: type[C]) -> type[C]:
        facts.register(name, FactKind(name, cls))
        cls.fact_name = name  # type: ignore[attr-defined]
        return cls

    return named


def handle(key: str, cls: type[C], function: Callable[[C], None]) -> None:
    """Register ``function`` for facts of ``cls``. Called in ``AppConfig.ready``."""
    handlers.register(key, Handler(key, cls.fact_name, function))  # type: ignore[attr-defined]


def publish(happened: Any) -> Fact:
    """Write a fact to the outbox in the caller's transaction."""
    return publish_many([happened])[0]


def publish_many(happened: Sequence[Any]) -> list[Fact]:
    """Write facts to the outbox in the caller's transaction."""
    rows: list[Fact] = Fact.objects.bulk_create(
        [Fact(name=one.fact_name, payload=dataclasses.asdict(one)) for one in happened]
    )
    deliveries = [
        FactDelivery(fact=row, handler=handler.key)
        for row in rows
        for _, handler in handlers
        if handler.fact == row.name
    ]
    if deliveries:
        FactDelivery.objects.bulk_create(deliveries)
        realm_id = scoping.current_realm_id()
        transaction.on_commit(lambda: [call(realm_id) for call in wake], using=scoping.alias())
    return rows
