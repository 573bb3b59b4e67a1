"""Tasks that do nothing, for the engine and for bare Celery. Loaded by the worker (``--include``)."""

from __future__ import annotations

import redis
from celery import shared_task

from boss.platform import addresses
from workflow.contracts import Done, Outcome, TaskContext, TaskHandler
from workflow.registry import task_handlers

COUNTER = "bench:chains"
_client: redis.Redis | None = None


def client() -> redis.Redis:
    """One connection a process, as a worker would keep."""
    global _client
    if _client is None:
        _client = redis.Redis.from_url(addresses.redis_url(2))
    return _client


@shared_task(name="bench.step", ignore_result=True)
def step() -> None:
    return None


@shared_task(name="bench.last", ignore_result=True)
def last() -> None:
    client().incr(COUNTER)


def nothing(context: TaskContext) -> Outcome:
    return Done()


task_handlers.register("bench.local", TaskHandler("bench.local", "Nothing", nothing, nothing_to_undo=True, local=True))
task_handlers.register("bench.remote", TaskHandler("bench.remote", "Nothing", nothing, nothing_to_undo=True))
