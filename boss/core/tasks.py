"""Celery doors of the relay: woken after commit, swept by beat in case a wake-up was lost."""

from __future__ import annotations

from celery import shared_task

from boss.core import relay


@shared_task(name="core.relay")
def relay_facts(realm_id: int) -> int:
    return relay.deliver_due(realm_id)


@shared_task(name="core.relay_sweep")
def sweep_facts() -> int:
    return sum(relay.deliver_due(realm_id) for realm_id in relay.realms_with_due())
