"""One update of an outage: written down, and handed to the workers that tell it."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from boss.core import clock
from boss.core.actors import Actor
from boss.core.problems import InvalidInput
from ipservices.models import Outage, OutageUpdate
from ipservices.services import turns

TASK = "ipservices.tell_outage"
LONGEST = 1000


def checked(text: str, eta_at: dt.datetime | None) -> str:
    """The text as it is kept. Raises :class:`InvalidInput` with fields ``text`` and ``eta_at``."""
    text = text.strip()
    if not text:
        raise InvalidInput(fields={"text": [_("Write what those concerned shall read.")]})
    if len(text) > LONGEST:
        raise InvalidInput(fields={"text": [_("At most %(n)s characters.") % {"n": LONGEST}]})
    if eta_at is not None and eta_at <= clock.now():
        raise InvalidInput(fields={"eta_at": [_("This lies in the past.")]})
    return text


def say(outage: Outage, *, actor: Actor, kind: str, by_mail: bool) -> OutageUpdate:
    """Write an update of what a locked outage says now. Workers tell it after the commit."""
    last = OutageUpdate.objects.filter(outage=outage).order_by("-seq").values_list("seq", flat=True).first() or 0
    now = clock.now()
    update: OutageUpdate = OutageUpdate.objects.create(
        outage=outage, seq=last + 1, kind=kind, text=outage.public_text, eta_at=outage.eta_at, by_mail=by_mail,
        written_by=actor.label[:200], written_at=now, due_at=now,
    )  # fmt: skip
    turns.ring(TASK, outage.realm_id, update.pk)
    return update
