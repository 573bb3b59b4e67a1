"""From a service to the mail server through real workers."""

from __future__ import annotations

import time

from boss.core import scoping
from boss.core.actors import Actor
from boss.notify.models import Delivery
from boss.notify.services import messages
from tests.notify.conftest import RECEIVED


def states(realm_id: int, wanted: set[str], seconds: float = 20) -> set[str]:
    """The states of all deliveries, as soon as they are what is wanted."""
    deadline = time.monotonic() + seconds
    while True:
        with scoping.realm_transaction(realm_id):
            found = set(Delivery.objects.values_list("state", flat=True))
        if found == wanted or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def say(realm_id: int, key: str) -> None:
    with scoping.realm_transaction(realm_id):
        messages.send(
            actor=Actor.system(realm_id),
            template="ticket_received",
            to=[("dana@home.example", "Dana"), ("erin@home.example", "Erin")],
            context=RECEIVED,
            key=key,
        )


def test_a_worker_sends_what_was_committed(worker, cast):
    say(cast.alpha.pk, "rung for")
    assert states(cast.alpha.pk, {"sent"}) == {"sent"}


def test_what_nobody_rang_for_is_swept_up(workers, cast, monkeypatch):
    monkeypatch.setattr("boss.notify.bell.ring", lambda realm_id, delivery_id: None)
    say(cast.alpha.pk, "lost ring")
    workers(1)
    workers.beat()
    assert states(cast.alpha.pk, {"sent"}, seconds=40) == {"sent"}
