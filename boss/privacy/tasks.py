"""Celery doors of copies and erasures; the sweep finds what nobody was woken for."""

from __future__ import annotations

from celery import shared_task

from boss.privacy.services import copies, erasures, retaining


@shared_task(name="privacy.write_copy")
def write_copy(realm_id: int, copy_id: int) -> bool:
    return copies.write(realm_id, copy_id)


@shared_task(name="privacy.erase")
def erase(realm_id: int, erasure_id: int) -> bool:
    return erasures.carry_out(realm_id, erasure_id)


@shared_task(name="privacy.sweep")
def sweep() -> int:
    copies.expire()
    done = sum(copies.write(realm_id, row_id) for realm_id, row_id in copies.due())
    return done + sum(erasures.carry_out(realm_id, row_id) for realm_id, row_id in erasures.due())


@shared_task(name="privacy.retain")
def retain() -> int:
    """Delete what every realm has kept long enough. May be stopped at any time: the next run goes on."""
    return sum(retaining.run(realm_id, record_class) for realm_id, record_class in retaining.due())
