"""The bytes of files that people bring: kept once, scanned, read again, and gone when nobody names them any more.

In the database and not on a disk (ADR 0177): several web processes and workers share it, the second wall stands before
it, and a backup of the database is a backup of the files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, cast

import structlog
from django.db import transaction
from django.db.models import Exists, ManyToOneRel, OuterRef
from django.db.models.functions import Now

from boss.core import clock, events, file_types, scanning, scoping
from boss.core.models import FileScan, StoredFile
from boss.core.scoping import RealmScoped, new_public_id

log = structlog.get_logger(__name__)

LEASE = dt.timedelta(seconds=180)
AGAIN = dt.timedelta(seconds=30)
UNNAMED_FOR = dt.timedelta(days=1)
"""How long a content that no row names is left alone: its row may be being written."""

ring: list[Callable[[int, int], None]] = []
"""Filled at start-up with what wakes a worker to scan; the sweep finds a file that nobody was woken for."""


@events.fact("core.file_scanned")
@dataclass(frozen=True)
class FileScanned:
    """A file was looked through; what was found stands in its row."""

    file_id: int


class Source(Protocol):
    """What a web form or an API request brings."""

    @property
    def name(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    def read(self) -> bytes: ...


@dataclass
class Upload:
    """A file on its way in. Its bytes are read when they are asked for, after its size was looked at.

    ``public_id`` is that of the row that will name it, so that a value can name it before.
    """

    name: str
    size: int
    read: Callable[[], bytes]
    public_id: str = field(default_factory=new_public_id)

    @staticmethod
    def of(source: Source) -> Upload:
        return Upload(file_types.clean_name(source.name or ""), source.size or 0, source.read)

    @staticmethod
    def made(name: str, content: bytes) -> Upload:
        return Upload(file_types.clean_name(name), len(content), lambda: content)

    @cached_property
    def content(self) -> bytes:
        return self.read()

    @cached_property
    def media_type(self) -> str:
        return file_types.sniff(self.name, self.content)

    @property
    def is_executable(self) -> bool:
        return file_types.is_executable(self.name, self.content)


def store(content: bytes, media_type: str) -> StoredFile:
    """Keep the bytes in the realm entered, or find them kept. Somebody's row must name them in the same transaction."""
    sha256 = hashlib.sha256(content).hexdigest()
    held = StoredFile.objects.defer("content").filter(sha256=sha256)
    known: StoredFile | None = held.first()
    if known is not None:
        return known
    waits = scanning.is_configured()
    row = StoredFile(
        sha256=sha256, size=len(content), media_type=media_type[:100], content=content,
        scan=FileScan.PENDING if waits else FileScan.UNSCANNED,
    )  # fmt: skip
    # Of two that keep the same bytes at once the second waits here for the first and then finds its row.
    StoredFile.objects.bulk_create([row], ignore_conflicts=True)
    kept: StoredFile = held.get()
    if waits:
        transaction.on_commit(lambda: _wake(kept.realm_id, kept.pk), using=scoping.alias())
    return kept


def content_of(file_id: int) -> bytes:
    """The bytes. Whoever calls has found the row that names them to be visible."""
    with scoping.as_application():
        held = StoredFile.objects.values_list("content", flat=True).get(pk=file_id)
    return bytes(held)


def _wake(realm_id: int, file_id: int) -> None:
    for each in ring:
        each(realm_id, file_id)


# Scanning


def due_everywhere(limit: int = 100) -> list[tuple[int, int]]:
    """(realm, file) of what waits to be scanned."""
    with scoping.dispatch_transaction("file scan"):
        due = StoredFile.objects.filter(scan=FileScan.PENDING, scan_due_at__lte=Now()).order_by("scan_due_at")
        return list(due.values_list("realm_id", "pk")[:limit])


def scan(realm_id: int, file_id: int) -> bool:
    """Have one file looked through, outside any transaction. False when it does not wait, or another worker has it.

    A scanner that cannot be asked leaves it waiting: what nobody looked through is not handed out.
    """
    with scoping.realm_transaction(realm_id, "file scan"):
        rows = StoredFile.objects.select_for_update(skip_locked=True).filter(pk=file_id, scan=FileScan.PENDING)
        row: StoredFile | None = rows.filter(scan_due_at__lte=Now()).first()
        if row is None:
            return False
        row.scan_due_at = Now() + LEASE
        row.save(update_fields=["scan_due_at"])
        content = bytes(row.content)
    found, trouble = "", ""
    try:
        found = scanning.scanner().scan(content)
    except scanning.ScannerUnavailable as error:
        trouble = str(error)
        log.warning("file_not_scanned", error=trouble)
    with scoping.realm_transaction(realm_id, "file scan"):
        row = StoredFile.objects.select_for_update().defer("content").filter(pk=file_id, scan=FileScan.PENDING).first()
        if row is None:
            return False
        if trouble:
            row.scan_note, row.scan_due_at = trouble[:200], Now() + AGAIN
        else:
            row.scan, row.scan_note = FileScan.BLOCKED if found else FileScan.CLEAN, found[:200]
            row.scanned_at = clock.now()
            events.publish(FileScanned(file_id=row.pk))
        row.save(update_fields=["scan", "scan_note", "scan_due_at", "scanned_at"])
    return not trouble


# The end


def drop_unnamed() -> int:
    """Delete contents that no row names any more: their conversation was erased, or its time is over."""
    with scoping.system_transaction("files"):
        rows = StoredFile.objects.filter(kept_at__lt=clock.now() - UNNAMED_FOR)
        # The hidden ones too: nobody asks a content for who names it.
        for relation in StoredFile._meta.get_fields(include_hidden=True):
            if isinstance(relation, ManyToOneRel):
                model = cast(type[RealmScoped], relation.related_model)
                rows = rows.exclude(Exists(model.objects.filter(**{relation.field.name: OuterRef("pk")})))
        keys = list(rows.values_list("pk", flat=True)[:1000])
        StoredFile.objects.filter(pk__in=keys).delete()
        return len(keys)
