"""Mailboxes whose servers tell of new mail (IDLE) are listened at, so that a mail is fetched when it comes.

Listening only wakes the fetching: what is lost here (a cut, a process that dies, a server that cannot tell) is found by
the next look, which goes on as before. A mailbox is listened at by one process, the one that holds it (``listener``)
until ``listened_until``; whoever changes the mailbox takes it away, and the next to hold it reads the new settings.
"""

from __future__ import annotations

import datetime as dt
import enum
import threading
from collections.abc import Collection

import structlog
from django.db import connections
from django.db.models import Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerAway

from boss.core import scoping
from ticketing.mail import imap
from ticketing.mail.oauth import NoToken
from ticketing.models import MailSource
from ticketing.services.mail import bell
from ticketing.services.mail.entering import Entrance, entered, entrance_of

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=45)
AGAIN_SECONDS = 9 * 60.0
"""So often the server is asked anew: many forget a silent client after ten minutes, and a dead line is found so."""
BREATH_SECONDS = 1.0
"""Between two wakings: a burst of mail is fetched together, and a server that talks without end costs little."""


class End(enum.Enum):
    """Why listening at a mailbox ended."""

    TOLD_TO = "told to"
    CUT = "cut"  # after it had begun
    REFUSED = "refused"
    CANNOT = "cannot"  # the server cannot tell of new mail


def free_everywhere(limit: int) -> list[tuple[int, int]]:
    """(realm, source) of what nobody listens at."""
    with scoping.dispatch_transaction("mailboxes to listen at"):
        free = Q(listened_until=None) | Q(listened_until__lt=Now())
        rows = MailSource.objects.filter(free, is_active=True).order_by("pk")
        return list(rows.values_list("realm_id", "pk")[:limit])


def hold(realm_id: int, source_id: int, me: int) -> bool:
    """Whether the mailbox is this process's from now on."""
    with scoping.realm_transaction(realm_id, "mail"):
        free = Q(listened_until=None) | Q(listened_until__lt=Now())
        rows = MailSource.objects.filter(free, pk=source_id, is_active=True)
        return bool(rows.update(listener=me, listened_until=Now() + LEASE))


def still_held(realm_id: int, source_ids: Collection[int], me: int) -> set[int]:
    """Those of a realm's that are this process's for another while."""
    with scoping.realm_transaction(realm_id, "mail"):
        rows = MailSource.objects.filter(pk__in=source_ids, listener=me, is_active=True)
        rows.update(listened_until=Now() + LEASE)
        return set(rows.values_list("pk", flat=True))


def let_go(realm_id: int, source_ids: Collection[int], me: int) -> None:
    """Another process may have them at once."""
    with scoping.realm_transaction(realm_id, "mail"):
        MailSource.objects.filter(pk__in=source_ids, listener=me).update(listener=None, listened_until=None)


def listen(realm_id: int, source_id: int, stop: threading.Event) -> End:
    """Wake the fetching whenever mail comes, until told to stop or the line is cut. Holds no connection of the
    database meanwhile."""
    entrance = _entrance(realm_id, source_id)
    _close()
    if entrance is None:
        return End.REFUSED  # fetching fails at present: not one more wrong sign-in at that server
    begun = False
    try:
        with entered(entrance) as folder:
            _note(realm_id, source_id, folder.tells)
            if not folder.tells:
                return End.CANNOT
            _wake(realm_id, source_id)  # for what came while nobody listened
            begun = True
            while not stop.is_set():
                _close()
                if folder.news(stop, AGAIN_SECONDS):
                    _wake(realm_id, source_id)
                    stop.wait(BREATH_SECONDS)
    except (imap.Refused, NoToken) as refusal:
        log.info("mailbox_not_listened_at", source=source_id, begun=begun, why=str(refusal))
        return End.CUT if begun else End.REFUSED
    finally:
        _close()
    return End.TOLD_TO


def _entrance(realm_id: int, source_id: int) -> Entrance | None:
    with scoping.realm_transaction(realm_id, "mail"):
        source: MailSource | None = MailSource.objects.filter(pk=source_id, is_active=True, failures=0).first()
        return None if source is None else entrance_of(source)


def _note(realm_id: int, source_id: int, tells: bool) -> None:
    with scoping.realm_transaction(realm_id, "mail"):
        MailSource.objects.filter(pk=source_id).update(tells=tells)


def _wake(realm_id: int, source_id: int) -> None:
    """Have a worker look now."""
    with scoping.realm_transaction(realm_id, "mail"):
        MailSource.objects.filter(pk=source_id, is_active=True, due_at__gt=Now()).update(due_at=Now())
    try:
        bell.ring_for_source(realm_id, source_id)
    except BrokerAway as error:  # the clock finds it due
        log.warning("mail_source_not_rung_for", error=str(error))


def _close() -> None:
    """A thread that waits for hours keeps no connection of the database."""
    connections.close_all()
