"""Every field that holds something sealed, and turning the key: sealing all of it anew under the newest data key.

A room registers its sealed fields when Django is ready; a test refuses code that seals without having done so. Turning
goes in batches, each its own transaction, and only looks at what is still under an older key: it can be stopped and
begun again at any time, while the application runs. Works in system scope, as some of the tables are closed to changes
for the application.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models

from boss.core import crypto, scoping
from boss.core.registry import Registry

BATCH = 500


@dataclass(frozen=True, slots=True)
class SealedField:
    """A column with sealed texts. ``bound_to(row)`` is what a row's text is bound to; ``among`` are the rows whose
    text is sealed, where others hold plain text. ``related`` is what ``bound_to`` reads of other rows."""

    model: type[models.Model]
    field: str
    bound_to: Callable[[Any], str]
    among: models.Q = models.Q()  # noqa: RUF009 - never changed
    related: tuple[str, ...] = ()


sealed_fields: Registry[SealedField] = Registry("sealed fields", SealedField)


def register(
    model: type[models.Model],
    field: str,
    bound_to: Callable[[Any], str],
    *,
    among: models.Q | None = None,
    related: tuple[str, ...] = (),
) -> None:
    """Say in ``AppConfig.ready`` that a column of ``model`` is sealed."""
    told = SealedField(model, field, bound_to, among or models.Q(), related)
    sealed_fields.register(f"{model._meta.label_lower}.{field}", told)


@dataclass(frozen=True, slots=True)
class Left:
    """What of a field stands under older keys, and what cannot be opened by any key we have."""

    name: str
    older: int
    unreadable: int


def newest_key() -> str:
    return str(next(iter(settings.BOSS_DATA_KEYS)))


def turn(*, most: int | None = None, batch: int = BATCH) -> Iterator[tuple[str, int]]:
    """Seal anew what is under older keys, at most ``most`` rows; yields each batch's field and size as it is done."""
    for name, told in sealed_fields:
        after = 0
        while most is None or most > 0:
            size = batch if most is None else min(batch, most)
            done, after = _turn_batch(told, after, size)
            if after == 0:
                break
            if done:
                yield name, done
            most = most if most is None else most - done


def left() -> list[Left]:
    """What is not under the newest key, by field. Tries to open every such text."""
    found = []
    for name, told in sealed_fields:
        unreadable = 0
        total = 0
        with scoping.system_transaction("data keys"):
            for row in _older(told).select_related(*told.related).iterator(chunk_size=BATCH):
                total += 1
                unreadable += not _opens(told, row)
        found.append(Left(name, total - unreadable, unreadable))
    return found


def _older(told: SealedField) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = told.model.objects.all()  # type: ignore[attr-defined]
    held = rows.filter(told.among).exclude(**{told.field: ""})
    return held.exclude(**{f"{told.field}__startswith": f"{newest_key()}:"}).order_by("pk")


def _turn_batch(told: SealedField, after: int, size: int) -> tuple[int, int]:
    """How many of a batch were sealed anew, and the last row looked at; 0 when there was none."""
    with scoping.system_transaction("data keys"):
        rows = list(
            _older(told)
            .filter(pk__gt=after)
            .select_related(*told.related)
            .select_for_update(of=("self",), skip_locked=True)[:size]
        )
        done = 0
        for row in rows:
            place = told.bound_to(row)
            try:
                plain = crypto.open_sealed(getattr(row, told.field), bound_to=place)
            except crypto.CannotOpen:
                continue  # told by left(): nothing is lost that was not lost before
            sealed = crypto.seal(plain, bound_to=place)
            told.model.objects.filter(pk=row.pk).update(**{told.field: sealed})  # type: ignore[attr-defined]
            done += 1
        return done, rows[-1].pk if rows else 0


def _opens(told: SealedField, row: Any) -> bool:
    try:
        crypto.open_sealed(getattr(row, told.field), bound_to=told.bound_to(row))
    except crypto.CannotOpen:
        return False
    return True
