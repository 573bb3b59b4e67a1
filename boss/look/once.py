"""One effect per form, however often its button is clicked.

Every form that adds something carries a random key. The key is claimed in the transaction of the effect; a twin
request waits for the first one and then finds the key taken.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import RememberedAnswer

LONGEST = 64


def new_key() -> str:
    """A fresh key for a form that is being shown."""
    return secrets.token_urlsafe(16)


def first_time(actor: Actor, key: str) -> bool:
    """True for the first form sent with this key by this person. A form without a key is always a first one."""
    key = key[:LONGEST]
    if not key:
        return True
    _row, created = RememberedAnswer.objects.get_or_create(
        principal=f"form:{actor.user_id or ''}", key=key, defaults={"fingerprint": "form"}
    )
    return bool(created)


@contextmanager
def claimed(actor: Actor, key: str) -> Iterator[bool]:
    """:func:`first_time`, forgotten again when what is done inside is refused: the same form may be sent once more."""
    with transaction.atomic(using=scoping.alias()):
        yield first_time(actor, key)
