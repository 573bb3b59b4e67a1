"""What a realm keeps how long: set by its administrator, stopped by legal holds, carried out in batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.core import audit, clock, holdings, permissions, scoping
from boss.core.actors import Actor
from boss.core.problems import InvalidInput, WrongState
from boss.core.retention import RecordClass, record_classes
from boss.core.services import service
from boss.privacy import subjects
from boss.privacy.models import LegalHold, Retention
from boss.privacy.services.erasures import whole_realm
from subscribers.models import Account

BATCH = 1000
MOST_BATCHES = 200
"""A run ends after so many; what is left waits for the next one."""

EVERY = dt.timedelta(hours=23)

VIEW, CHANGE, HOLD = "privacy.view_retention", "privacy.change_retention", "privacy.hold_records"


@dataclass(frozen=True, slots=True)
class Line:
    """One class of records as the page shows it; ``row`` is None while the realm keeps them for ever."""

    key: str
    title: str | Promise
    floor_days: int
    usual_days: int
    row: Retention | None
    next_at: dt.datetime | None


def overview(actor: Actor) -> list[Line]:
    """Every class with what the realm has set. Raises PermissionDenied."""
    permissions.require(actor, VIEW)
    rows = {row.record_class: row for row in Retention.objects.all()}
    return [
        Line(key, kind.title, kind.floor_days, kind.usual_days, row := rows.get(key), _next(row))
        for key, kind in record_classes
    ]


def _next(row: Retention | None) -> dt.datetime | None:
    return None if row is None else (row.last_at + EVERY if row.last_at else clock.now())


@service
def set_days(*, actor: Actor, record_class: str, days: int | None) -> None:
    """Keep a class of records for ``days``; None keeps it for ever.

    Raises InvalidInput (field ``days``) below the floor.
    """
    row = Retention.objects.select_for_update().filter(record_class=record_class).first()

    permissions.require(actor, CHANGE)

    kind = record_classes.find(record_class)
    if kind is None:
        raise InvalidInput(fields={"record_class": [str(_("There is no such class of records."))]})
    if days is not None and not kind.floor_days <= days <= 36_500:
        raise InvalidInput(fields={"days": [str(_("At least %(days)s days.") % {"days": kind.floor_days})]})

    before = row.days if row else None
    if before == days:
        return
    if days is None:
        Retention.objects.filter(record_class=record_class).delete()
    else:
        Retention.objects.update_or_create(record_class=record_class, defaults={"days": days})

    audit.record(
        actor=actor, action="retention.changed", subject=Retention,
        before={record_class: before}, after={record_class: days},
    )  # fmt: skip


@service
def hold(*, actor: Actor, account: Account, case: str) -> LegalHold:
    """Stop every deletion of what is held of the account's person. Raises InvalidInput (field ``case``)."""
    permissions.require(actor, HOLD, account)

    if not case.strip():
        raise InvalidInput(fields={"case": [str(_("Name the case or the order."))]})

    placed: LegalHold = LegalHold.objects.create(account=account, case=case.strip()[:120], placed_by=actor.label[:200])

    audit.record(actor=actor, action="legal_hold.placed", subject=placed, after={"account": account.number})
    return placed


@service
def release(*, actor: Actor, hold: LegalHold) -> LegalHold:
    """End a hold. Raises WrongState when it has ended already."""
    locked: LegalHold = LegalHold.objects.select_for_update(of=("self",)).select_related("account").get(pk=hold.pk)

    permissions.require(actor, HOLD, locked.account)

    if locked.released_at is not None:
        raise WrongState

    locked.released_at = clock.now()
    locked.save(update_fields=["released_at"])

    audit.record(actor=actor, action="legal_hold.released", subject=locked, after={"account": locked.account.number})
    return locked


def due() -> list[tuple[int, str]]:
    """Realm and class of what has not run for a day."""
    with scoping.dispatch_transaction("retention"):
        rows = Retention.objects.filter(Q(last_at=None) | Q(last_at__lt=clock.now() - EVERY)).order_by("last_at", "id")
        return list(rows.values_list("realm_id", "record_class"))


def run(realm_id: int, record_class: str) -> int:
    """Delete what the realm has kept long enough, each batch in a transaction of its own. Returns how many rows."""
    kind = record_classes.find(record_class)
    with whole_realm(realm_id):
        row = Retention.objects.filter(record_class=record_class, realm_id=realm_id).first()
        held = list(LegalHold.objects.filter(released_at=None, realm_id=realm_id).select_related("account"))
        kept = _held_rows(kind, held) if kind else None
    if row is None or kind is None:
        return 0
    # Whatever a row says, and whoever wrote it: never below the floor.
    cut = clock.now() - dt.timedelta(days=max(row.days, kind.floor_days))
    # What is pruned as a whole cannot leave out one person's rows: a hold stops it for everybody.
    stopped = kind.erase is not None and bool(held)
    count = 0 if stopped else (kind.erase or _in_batches(kind, kept))(realm_id, cut)
    with whole_realm(realm_id):
        Retention.objects.filter(pk=row.pk, realm_id=realm_id).update(last_at=clock.now(), last_count=count)
        if count:
            audit.record(
                actor=Actor.system(realm_id), action="retention.deleted", subject=Retention,
                after={"class": record_class, "rows": count, "before": cut.isoformat()},
            )  # fmt: skip
    return count


def _held_rows(kind: RecordClass, held: list[LegalHold]) -> Q | None:
    """Rows of held persons. Without knowing how a person's rows are found, none."""
    holding = holdings.holdings.find(kind.model._meta.label_lower)
    if holding is None or holding.of is None or not held:
        return None
    found = Q(pk__in=[])
    for each in held:
        found |= holding.of(subjects.of_account(each.account))
    return found


def _in_batches(kind: RecordClass, kept: Q | None) -> Callable[[int, dt.datetime], int]:
    return lambda realm_id, cut: _delete(kind, realm_id, cut, kept)


def _delete(kind: RecordClass, realm_id: int, cut: dt.datetime, kept: Q | None) -> int:
    count = 0
    for _batch in range(MOST_BATCHES):
        with whole_realm(realm_id):
            rows = kind.rows(realm_id, cut)
            if kept is not None:
                # By key: excluding across relations would need the same joins twice.
                rows = rows.exclude(pk__in=kind.model.objects.filter(kept, realm_id=realm_id).values("pk"))
            keys = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
            for model, path in kind.dependents:
                model.objects.filter(**{f"{path}__in": keys}, realm_id=realm_id).delete()
            kind.model.objects.filter(pk__in=keys, realm_id=realm_id).delete()
        count += len(keys)
        if len(keys) < BATCH:
            break
    return count


def list_holds(account: Account) -> list[LegalHold]:
    """The holds that stand on an account, the oldest first, for whoever holds :data:`HOLD`."""
    return list(LegalHold.objects.filter(account=account, released_at=None).order_by("id"))
