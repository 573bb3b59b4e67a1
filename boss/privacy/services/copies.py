"""A copy of everything held of one person: asked for by himself or by staff, made by a task, fetched by link."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from boss.core import audit, clock, files, holdings, permissions, reads, scoping
from boss.core.actors import Actor
from boss.core.exports import NotReady
from boss.core.holdings import Holding, Subject
from boss.core.problems import NotFound
from boss.core.services import service
from boss.notify import rendering
from boss.notify.services import messages
from boss.privacy import subjects
from boss.privacy.models import PersonalExport
from subscribers.models import Account

KEPT = dt.timedelta(days=7)
EXPORT = "privacy.export_person"

ring: list[Callable[[str, int, int], None]] = []
"""Filled at start-up with what wakes a worker."""


@service
def ask(*, actor: Actor, account: Account) -> PersonalExport:
    """Have a copy of all that is held of the account's person made; its owner is told by mail when it is ready.

    While one is being made the same one is answered. Raises PermissionDenied for another's account without the right.
    """
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)

    if account.user_id is None or account.user_id != actor.user_id:
        permissions.require(actor, EXPORT, account)

    under_way: PersonalExport | None = PersonalExport.objects.filter(account=account, state="asked").first()
    if under_way is not None:
        return under_way
    copy: PersonalExport = PersonalExport.objects.create(
        account=account,
        asked_by_id=actor.user_id,
        asked_by=actor.label[:200],
        name=f"{account.number}-{clock.today():%Y%m%d}.zip",
        media_type="application/zip",
    )

    audit.record(actor=actor, action="privacy.export_asked", subject=account, after={"copy": copy.public_id})
    transaction.on_commit(lambda: [wake("copy", copy.realm_id, copy.pk) for wake in ring], using=scoping.alias())
    return copy


def list_for(actor: Actor, account: Account) -> models.QuerySet[PersonalExport]:
    """Copies of one account that the actor may fetch, newest first, without their content."""
    rows: models.QuerySet[PersonalExport] = _reachable(actor).filter(account=account).defer("content").order_by("-id")
    return rows


def _reachable(actor: Actor) -> Any:
    """One's own copies; with the right to make them, those of every account one may make them of."""
    own = models.Q(account__user_id=actor.user_id) if actor.user_id else models.Q(pk__in=[])
    return PersonalExport.objects.filter(own | permissions.rows(PersonalExport, actor, EXPORT), realm_id=actor.realm_id)


def fetch(*, actor: Actor, public_id: str) -> tuple[PersonalExport, bytes]:
    """A ready copy and its bytes; on record. Raises NotFound, or NotReady before it is made and after its time."""
    with scoping.as_application():  # the customer's own role neither reads copies nor writes the trail
        return _fetch(actor, public_id)


def _fetch(actor: Actor, public_id: str) -> tuple[PersonalExport, bytes]:
    found = _reachable(actor).select_related("account").filter(public_id=public_id).first()
    if found is None:
        raise NotFound
    if found.state != PersonalExport.State.READY or found.content is None:
        raise NotReady
    reads.note(actor=actor, read="privacy.export_fetched", subject=found.account, after={"copy": found.public_id})
    return found, gzip.decompress(bytes(found.content))


def write(realm_id: int, copy_id: int) -> bool:
    """Make one copy that was asked for and tell its owner. False when it is made already or somebody is at it."""
    with scoping.realm_transaction(realm_id, f"copy:{copy_id}"):
        rows = PersonalExport.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account")
        copy = rows.filter(pk=copy_id, state="asked").first()
        if copy is None:
            return False
        packed = pack(subjects.of_account(copy.account))
        copy.content, copy.size = gzip.compress(packed, 1), len(packed)
        copy.sha256 = hashlib.sha256(packed).hexdigest()
        copy.state, copy.ready_at, copy.expires_at = "ready", clock.now(), clock.now() + KEPT
        copy.save()
        _tell(copy)
        return True


def _tell(copy: PersonalExport) -> None:
    """The link opens after signing in: whoever reads the mail alone gets nothing."""
    account = copy.account
    if not account.email:
        return
    home = rendering.home_of(copy.realm_id)
    messages.send(
        actor=Actor.system(copy.realm_id),
        template="data_ready",
        to=[(account.email, account.name)],
        context={"name": account.name, "link": home.rstrip("/") + reverse("selfhelp:my_data"), "days": KEPT.days},
        key=f"privacy.copy:{copy.pk}",
        language=account.language,
    )


def pack(subject: Subject) -> bytes:
    """The zip: ``README.txt``, and ``<table>.json`` and ``.csv`` for each table with something in it."""
    target, told = io.BytesIO(), []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for label, holding in holdings.holdings:
            rows = [] if holding.of is None else _rows(holding, subject)
            if rows:
                archive.writestr(f"{label}.json", json.dumps(rows, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
                archive.writestr(f"{label}.csv", _csv(rows))
                told.append(f"{label}: {len(rows)}  ({holding.model._meta.verbose_name_plural})")
                _add_files(archive, holding, subject)
        archive.writestr("README.txt", "\n".join([_("What is held of you, table by table:"), "", *told, ""]))
    return target.getvalue()


def _add_files(archive: zipfile.ZipFile, holding: Holding, subject: Subject) -> None:
    """The files that a table's rows stand for, each beside the others under the row's own name."""
    if holding.bytes_of is None:
        return
    for row in _held(holding, subject):
        named = holding.bytes_of(row)
        if named is not None:
            archive.writestr(f"files/{row.public_id}-{named[0]}", files.content_of(named[1]))


def _held(holding: Holding, subject: Subject) -> models.QuerySet[Any]:
    assert holding.of is not None
    found: models.QuerySet[Any] = holding.model.objects.filter(holding.of(subject), realm_id=subject.realm_id)
    if holding.withheld is not None:
        found = found.exclude(holding.withheld)
    return found.order_by("pk")


def _rows(holding: Holding, subject: Subject) -> list[dict[str, Any]]:
    if holding.of is None:
        return []
    fields = [
        field
        for field in holding.model._meta.concrete_fields
        if field.attname not in ("realm_id", *holding.hidden) and not isinstance(field, models.BinaryField)
    ]
    rows = []
    for row in _held(holding, subject):
        values = {field.attname: field.value_from_object(row) for field in fields}
        if getattr(row, "sealed", False):
            values["text"] = ""  # it holds a link that lets its reader in
        rows.append(values)
    return rows


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False) if isinstance(value, dict | list) else value
    # What a spreadsheet would run as a formula begins with an apostrophe.
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def due() -> list[tuple[int, int]]:
    """Realm and id of copies nobody has made yet."""
    with scoping.dispatch_transaction("copies"):
        return list(PersonalExport.objects.filter(state="asked").values_list("realm_id", "id")[:50])


def expire() -> int:
    """Drop the content of copies whose time is over."""
    with scoping.system_transaction("copies"):
        over = PersonalExport.objects.filter(expires_at__lt=clock.now()).exclude(content=None)
        return int(over.update(content=None))
