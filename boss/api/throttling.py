"""A ceiling on requests per minute and principal: one client's loop must not become everybody's outage."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from boss.core.actors import Actor
from boss.core.api.idempotency import principal

if TYPE_CHECKING:
    # rest_framework.views reads the settings that name this module: at run time that would be a circle.
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

WINDOW_SECONDS = 60


class PrincipalThrottle(BaseThrottle):
    """Counts in fixed windows. Without the cache everything passes: a throttle is a courtesy, not a wall."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        limit = limit_of(actor)
        key = f"api:{actor.realm_id}:{principal(actor, request)}:{int(time.time()) // WINDOW_SECONDS}"
        try:
            cache.add(key, 0, WINDOW_SECONDS * 2)
            return bool(cache.incr(key) <= limit)
        except (RedisError, ValueError) as error:  # ValueError: the window ended between the two
            log.warning("throttle_not_counted", error=str(error))
            return True

    def wait(self) -> float:
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS


def limit_of(actor: Actor) -> int:
    """Requests a minute: API keys work in bulk, people click, strangers look."""
    limits: dict[str, int] = settings.BOSS_API_REQUESTS_PER_MINUTE
    return limits[actor.kind]
