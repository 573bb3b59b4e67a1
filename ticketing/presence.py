"""Who else looks at a ticket just now, and who is writing. Kept in the cache for seconds and nowhere else.

One hash per ticket, one field per person: each beat of a page writes its own field only, so that no two lose one
another. Without the cache nobody is seen, and everything else works.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any, cast

import structlog
from django.core.cache import cache
from redis.exceptions import RedisError

from boss.core.actors import Actor
from boss.core.permissions import require
from ticketing.models import Ticket
from ticketing.models.thread import VIEW_INTERNAL

BEAT_SECONDS = 10
"""How often a page says that it is open."""
KEPT_SECONDS = 25
"""Two beats and a half: one that is late does not make somebody vanish."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Present:
    name: str
    is_typing: bool


def here(*, actor: Actor, ticket: Ticket, is_typing: bool) -> list[Present]:
    """Say that this person has the ticket open, and learn who else has. For staff who may see it."""
    require(actor, VIEW_INTERNAL, ticket)
    mine = {"name": actor.label[:200], "at": time.time(), "typing": is_typing}
    return _others(actor, ticket, mine if actor.user_id is not None else None)


def others(*, actor: Actor, ticket: Ticket) -> list[Present]:
    """Who else has it open."""
    require(actor, VIEW_INTERNAL, ticket)
    return _others(actor, ticket, None)


def _others(actor: Actor, ticket: Ticket, mine: dict[str, Any] | None) -> list[Present]:
    key = cache.make_key(f"presence:{ticket.realm_id}:{ticket.pk}")
    try:
        # Django's cache knows no hashes; its own connection does.
        client = cast(Any, cache)._cache.get_client(key, write=True)
        pipe = client.pipeline(transaction=False)
        if mine is not None:
            pipe.hset(key, str(actor.user_id), json.dumps(mine))
            pipe.expire(key, KEPT_SECONDS)
        pipe.hgetall(key)
        found = pipe.execute()[-1]
    except RedisError as error:
        log.warning("presence_not_known", error=str(error))
        return []
    since = time.time() - KEPT_SECONDS
    shown = [json.loads(value) for user, value in found.items() if user.decode() != str(actor.user_id)]
    fresh = sorted((one for one in shown if one["at"] >= since), key=lambda one: str(one["name"]))
    return [Present(one["name"], bool(one["typing"])) for one in fresh]
