"""Reads that leave a trace: what staff and programs look at although most people's work does not need it.

A room declares such a read (``sensitive``) and its surfaces note it (``note``) before they show anything. A GET has a
transaction of its own, so the entry is committed before the answer leaves, and an answer that fails shows nothing.
The same reader of the same thing is noted once in a while and not at every look: pages refresh themselves.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.core import audit, clock
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.registry import Registry

ONCE_IN = dt.timedelta(minutes=10)
"""How long one entry stands for further looks of the same reader at the same thing."""


@dataclass(frozen=True, slots=True)
class SensitiveRead:
    """``what`` somebody sees by it, as the page about the audit trail says it."""

    what: str | Promise


sensitive: Registry[SensitiveRead] = Registry("sensitive reads", SensitiveRead)
"""Every read that is noted: the action's name, ``thing.read`` or ``thing.exported``, to what it shows."""

sensitive.register("audit.read", SensitiveRead(_("The audit trail")))
sensitive.register("audit.exported", SensitiveRead(_("A file with the audit trail")))


def note(*, actor: Actor, read: str, subject: audit.Subject, after: dict[str, Any] | None = None) -> None:
    """Write that ``actor`` reads what ``read`` declares of ``subject``, unless that is on record since a moment ago.

    ``after`` says which part (a filter, a file's digest); it is not compared. Call it before anything is shown.
    Raises UnknownKey for a read that nobody declared.
    """
    sensitive.get(read)
    of_subject = AuditEntry.objects.filter(
        subject_kind=audit.subject_kind(subject), subject_id=None if isinstance(subject, type) else subject.pk
    )
    seen = of_subject.filter(
        action=read, actor_kind=actor.kind, actor_id=actor.number, at__gt=clock.now() - ONCE_IN
    ).exists()
    if not seen:
        audit.record(actor=actor, action=read, subject=subject, after=after)
