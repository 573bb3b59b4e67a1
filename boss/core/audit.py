"""The audit trail: one row for every change of state, written in the transaction of the change."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections, models

from boss.core import logs, origin, scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry

Subject = models.Model | type[models.Model]
"""What an entry is about: one row, or a whole table (a list that was read or exported)."""


def subject_kind(subject: Subject) -> str:
    return str(subject._meta.label_lower)


def record(
    *,
    actor: Actor,
    action: str,
    subject: Subject,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write that ``actor`` did ``action`` ("order.submitted") to ``subject``.

    Never put a secret in before/after; what is named like one, or looks like one, is masked all the same.
    """
    record_many(actor=actor, action=action, subjects=[subject], before=before, after=after)


def record_many(
    *,
    actor: Actor,
    action: str,
    subjects: Iterable[Subject],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """The same about several subjects, an entry each."""
    before, after = logs.masked_values(before or {}), logs.masked_values(after or {})
    AuditEntry.objects.bulk_create(
        AuditEntry(
            **_names(actor),
            action=action,
            subject_kind=subject_kind(subject),
            subject_id=None if isinstance(subject, type) else subject.pk,
            subject_label=str(subject._meta.verbose_name_plural if isinstance(subject, type) else subject)[:200],
            before=before,
            after=after,
            request_id=actor.request_id,
            address=origin.address(),
        )
        for subject in subjects
    )


def part_of_statement(*, actor: Actor, action: str, rows: str) -> tuple[str, dict[str, Any]]:
    """The entries as a part of the statement that makes the change, for where every round trip counts; with its values.

    ``rows``: the part of that statement which gives ``subject_kind``, ``subject_id``, ``subject_label`` and ``after``,
    a row for each entry. Nothing in ``after`` is masked here.
    """
    entry = AuditEntry(**_names(actor), action=action, request_id=actor.request_id, address=origin.address())
    connection = connections[scoping.alias()]
    values = {
        f"audit_{field.column}": field.get_db_prep_save(field.pre_save(entry, True), connection)
        for field in _written()
        if field.column not in _OF_THE_ROW
    }
    return _insertion(rows), values


@functools.cache
def _written() -> list[Any]:
    return [
        field
        for field in AuditEntry._meta.concrete_fields
        if not field.primary_key and field.db_default is models.NOT_PROVIDED
    ]


@functools.cache
def _insertion(rows: str) -> str:
    columns = ", ".join(f'"{field.column}"' for field in _written())
    given = ", ".join(
        f'"{field.column}"'
        if field.column in _OF_THE_ROW
        else f"%(audit_{field.column})s::{field.db_type(connections['default'])}"
        for field in _written()
    )
    return f"INSERT INTO core_auditentry ({columns}) SELECT {given} FROM {rows}"  # noqa: S608 - names of ours


_OF_THE_ROW = {"subject_kind", "subject_id", "subject_label", "after"}


def _names(actor: Actor) -> dict[str, Any]:
    """Who did it, and on whose behalf: of staff who stand in for somebody, both names."""
    if actor.operator is None:
        return {"actor_kind": actor.kind, "actor_id": actor.number, "actor_label": actor.label[:200]}
    return {
        "actor_kind": "user",
        "actor_id": actor.operator.user_id,
        "actor_label": actor.operator.label[:200],
        "on_behalf_of_id": actor.user_id,
        "on_behalf_of_label": actor.label[:200],
    }


def list_for(subject: models.Model) -> models.QuerySet[AuditEntry]:
    """Entries about ``subject``, newest first. Whoever calls it has checked that its reader may see the subject."""
    queryset: models.QuerySet[AuditEntry] = AuditEntry.objects.filter(
        subject_kind=subject_kind(subject), subject_id=subject.pk
    ).order_by("-id")
    return queryset


def list_about(subjects: Mapping[str, Iterable[int]]) -> models.QuerySet[AuditEntry]:
    """Entries about any of many subjects (kind to ids), newest first: a timeline. The same promise as ``list_for``."""
    wanted = models.Q(pk__in=[])
    for kind, ids in subjects.items():
        wanted |= models.Q(subject_kind=kind, subject_id__in=list(ids))
    queryset: models.QuerySet[AuditEntry] = AuditEntry.objects.filter(wanted).order_by("-id")
    return queryset
