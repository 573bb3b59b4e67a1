"""Files of a refused form, kept for its next try: own, bounded, for a day (ADR 0193)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django.db.models import Count, Sum

from boss.core import clock, files, locks, scoping
from boss.core.actors import Actor
from boss.core.files import Upload
from boss.core.permissions import PermissionDenied
from boss.core.scoping import ScopedQuerySet
from boss.core.services import service
from ticketing.file_limits import MIB
from ticketing.models import KeptFile

WRITES = (
    "ticketing.add_message",
    "ticketing.add_internal_message",
    "ticketing.add_ticket",
    "ticketing.change_ticket",
    "ticketing.resolve_ticket",
)
"""Whoever may bring a file onto a ticket at all holds one of these."""
KEPT_FOR = dt.timedelta(days=1)
MOST_FILES = 50
MOST_BYTES = 100 * MIB
"""Of one person, in all his forms, whatever became of them. A file taken off the form counts until its day is over:
what somebody brings and takes away again must not fill the database either."""
_AT_ONCE = 1000


def list_kept(actor: Actor, form: str, public_ids: Iterable[str]) -> ScopedQuerySet:
    """Those of the files of a form that this person names, in the order they came."""
    wanted = [each for each in public_ids if len(each) <= 12][:MOST_FILES]
    rows: ScopedQuerySet = KeptFile.objects.filter(user_id=actor.user_id or 0, form=form, public_id__in=wanted)
    return rows.order_by("id")


def upload_of(row: KeptFile) -> Upload:
    """The file as one that is being sent."""
    return Upload(row.name, row.size, lambda: files.content_of(row.file_id))


@service
def keep(*, actor: Actor, form: str, place: str, uploads: Sequence[Upload]) -> list[KeptFile]:
    """Keep what a refused form brought. Gives what is kept: less than was given where the person's room is used up.

    Call it with files that ``attaching.check`` takes. No audit row: nobody but its sender sees it. Raises
    PermissionDenied for whoever is no person or brings no files onto tickets.
    """
    if actor.kind != "user" or actor.user_id is None or not any(actor.holds(each) for each in WRITES):
        raise PermissionDenied
    locks.hold(f"ticketing.kept_files:{actor.user_id}")  # two forms of one person at once
    used = KeptFile.objects.filter(user_id=actor.user_id).aggregate(files=Count("pk"), bytes=Sum("size"))
    room, left = MOST_BYTES - (used["bytes"] or 0), MOST_FILES - used["files"]

    rows = []
    for each in uploads:
        if left <= 0 or each.size > room:
            continue
        stored = files.store(each.content, each.media_type)
        rows.append(
            KeptFile(user_id=actor.user_id, form=form, place=place, file=stored, name=each.name, size=stored.size)
        )
        room, left = room - stored.size, left - 1
    kept: list[KeptFile] = KeptFile.objects.bulk_create(rows)
    return kept


@service
def forget(*, actor: Actor, kept: Iterable[KeptFile]) -> None:
    """They lie on a ticket now. No audit row: that they do is recorded there."""
    KeptFile.objects.filter(user_id=actor.user_id or 0, pk__in=[each.pk for each in kept]).delete()


def sweep() -> int:
    """Throw away what was not sent within a day, in all realms; their bytes follow (``boss.core.files``). How many."""
    with scoping.system_transaction("old files of forms"):
        old = KeptFile.objects.filter(kept_at__lt=clock.now() - KEPT_FOR).order_by("kept_at")
        found = list(old.values_list("pk", flat=True)[:_AT_ONCE])
        return int(KeptFile.objects.filter(pk__in=found).delete()[0])
