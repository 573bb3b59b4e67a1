"""Files of the audit trail: asked for on a page or the API, written by a task, kept for a while, each on record."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import models, transaction
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _

from boss.core import audit_trail, clock, permissions, reads, scoping
from boss.core.actors import Actor, Grant
from boss.core.audit_trail import VIEW, Wanted
from boss.core.models import AuditEntry, AuditExport, PreparedFile
from boss.core.problems import NotFound, Problem
from boss.core.services import service

KEPT = dt.timedelta(days=7)
MOST_ROWS = 1_000_000
_BATCH = 2000

COLUMNS = (
    "id", "at", "actor_kind", "actor_id", "actor_label", "address", "action", "subject_kind", "subject_id",
    "subject_label", "before", "after", "request_id",
)  # fmt: skip

FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}

ring: list[Callable[[int, int], None]] = []
"""Filled at start-up with what wakes a worker; the sweep finds a file that nobody was woken for."""


class NotReady(Problem):
    code = "core.file_not_ready"
    status = 409
    title = _("The file is not ready, or no longer kept.")


@service
def ask(*, actor: Actor, wanted: Wanted, format: str) -> AuditExport:
    """Have the trail, as far as ``wanted`` reaches, written to a file (``csv`` or ``jsonl``) by a task.

    Raises PermissionDenied without the right to read the trail.
    """
    permissions.require(actor, VIEW)

    export: AuditExport = AuditExport.objects.create(
        asked_by_id=actor.user_id,
        asked_by=actor.label[:200],
        name=f"audit-{clock.now():%Y%m%d-%H%M%S}.{format}",
        media_type=FORMATS[format],
        format=format,
        wanted=wanted.named(),
    )

    # Each export is on record, however soon it follows another.
    reads.note(actor=actor, read="audit.exported", subject=export, after={"format": format, **wanted.named()})
    transaction.on_commit(lambda: [wake(export.realm_id, export.pk) for wake in ring], using=scoping.alias())
    return export


def list_exports(actor: Actor) -> models.QuerySet[AuditExport]:
    """Files of whoever may read the trail, newest first, without their content."""
    permissions.require(actor, VIEW)
    rows: models.QuerySet[AuditExport] = AuditExport.objects.visible_to(actor, VIEW).defer("content").order_by("-id")
    return rows


def content(actor: Actor, public_id: str) -> tuple[AuditExport, bytes]:
    """A ready file and its bytes. Raises NotFound, or NotReady while it is being made and after it has expired."""
    found = AuditExport.objects.visible_to(actor, VIEW).filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    if found.state != AuditExport.State.READY or found.content is None:
        raise NotReady
    return found, gzip.decompress(bytes(found.content))


def write(realm_id: int, export_id: int) -> bool:
    """Write one file that was asked for. False when it is written already, or another worker is at it."""
    with scoping.realm_transaction(realm_id, f"audit-export:{export_id}"):
        export = AuditExport.objects.select_for_update(skip_locked=True).filter(pk=export_id, state="asked").first()
        if export is None:
            return False
        try:
            _fill(export)
        except TooMany:
            export.state = AuditExport.State.FAILED
            export.error = str(_("More entries than one file holds. Please narrow the filter.")) + f" ({MOST_ROWS})"
        export.ready_at = clock.now()
        export.expires_at = clock.now() + KEPT
        export.save()
        return True


class TooMany(Exception):
    """More rows than a file may have."""


def _fill(export: AuditExport) -> None:
    packed, digest, size, count = io.BytesIO(), hashlib.sha256(), 0, 0
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for line in _lines(export):
            data = line.encode()
            file.write(data)
            digest.update(data)
            size += len(data)
            count += 1
            if count > MOST_ROWS:
                raise TooMany
    export.content, export.size, export.sha256 = packed.getvalue(), size, digest.hexdigest()
    export.rows = count - (export.format == "csv")
    export.state = AuditExport.State.READY


def _lines(export: AuditExport) -> Iterator[str]:
    if export.format == "csv":
        yield csv_line(COLUMNS)
    # Whoever asked held the right then; the task reads for the realm what that right reaches, and nothing else.
    reader = Actor(export.realm_id, "user", export.asked_by, grants=(Grant(frozenset({VIEW}), "realm"),))
    wanted = audit_trail.find(reader, Wanted.of(export.wanted)).order_by("id")
    last = 0
    while rows := list(wanted.filter(id__gt=last)[:_BATCH]):
        for row in rows:
            yield csv_line(_cells(row)) if export.format == "csv" else _json(row)
        last = rows[-1].pk


def _json(row: AuditEntry) -> str:
    members = {name: getattr(row, name) for name in COLUMNS} | {"at": row.at.isoformat()}
    return json.dumps(members, ensure_ascii=False) + "\n"


def _cells(row: AuditEntry) -> list[str]:
    values: dict[str, Any] = {name: getattr(row, name) for name in COLUMNS} | {"at": row.at.isoformat()}
    for name in ("before", "after"):
        values[name] = json.dumps(values[name], ensure_ascii=False, sort_keys=True) if values[name] else ""
    return ["" if value is None else str(value) for value in values.values()]


def harmless(text: str) -> str:
    """What a spreadsheet would run as a formula begins with an apostrophe: names are typed by strangers."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def csv_line(cells: Iterable[object]) -> str:
    """One line of a CSV file. Texts are made harmless; numbers are no text, and a negative one stays one."""
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()


def due() -> list[tuple[int, int]]:
    """Realm and id of files that nobody has written yet, for the sweep."""
    with scoping.dispatch_transaction("audit exports"):
        return list(AuditExport.objects.filter(state="asked").values_list("realm_id", "id")[:100])


def expire() -> int:
    """Drop the content of files whose time is over; that they were made stays on record."""
    with scoping.system_transaction("audit exports"):
        over = AuditExport.objects.filter(expires_at__lt=clock.now()).exclude(content=None)
        return int(over.update(content=None))


def download(file: PreparedFile, data: bytes) -> HttpResponse:
    """The answer that hands a prepared file over."""
    return as_download(file.name, file.media_type, data)


def as_download(name: str, media_type: str, data: bytes) -> HttpResponse:
    """The answer that hands a file over to be saved, never shown: its text is partly a stranger's. ``name`` is ours."""
    answer = HttpResponse(data, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "no-store"
    return answer
