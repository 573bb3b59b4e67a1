"""The end of what is held of a person: asked for, confirmed, carried out by a task, journalled without his values.

Rows and amounts stay, what names the person in them is overwritten or blotted out; what must be kept is listed in the
answer. A backup brings back what was erased after it: ``reapply`` goes through the journal again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from boss.core import audit, clock, holdings, permissions, scoping
from boss.core.actors import Actor
from boss.core.holdings import BLOT, SCRUBBED, Holding, Subject
from boss.core.problems import WrongState
from boss.core.scoping import Scope
from boss.core.services import service
from boss.privacy import subjects
from boss.privacy.errors import Held, NotConfirmed, StillACustomer
from boss.privacy.models import Erasure, LegalHold
from boss.tenancy.models import Realm
from subscribers.choices import AccountState, OrderState
from subscribers.models import Account, Order

ERASE = "privacy.erase_person"
_OPEN = (OrderState.ACKNOWLEDGED, OrderState.IN_PROGRESS)

ring: list[Callable[[str, int, int], None]] = []
"""Filled at start-up with what wakes a worker."""


@service
def ask(*, actor: Actor, account: Account) -> Erasure:
    """First step: may it be erased at all? Nothing is changed yet. Raises StillACustomer, Held."""
    account = Account.objects.select_for_update(of=("self",)).get(pk=account.pk)

    permissions.require(actor, ERASE, account)

    _refuse_customers(account)

    asked: Erasure
    asked, made = Erasure.objects.get_or_create(
        account=account, state__in=["asked", "confirmed"], defaults={"asked_by": actor.label[:200], "state": "asked"}
    )

    if made:
        audit.record(actor=actor, action="privacy.erasure_asked", subject=asked)
    return asked


@service
def confirm(*, actor: Actor, erasure: Erasure, number: str) -> Erasure:
    """Second step: the account's ``number`` typed by hand. A task carries it out; it cannot be taken back.

    Raises NotConfirmed (field ``number``), StillACustomer, WrongState, PermissionDenied.
    """
    locked: Erasure = Erasure.objects.select_for_update(of=("self",)).select_related("account").get(pk=erasure.pk)

    permissions.require(actor, ERASE, locked.account)

    if locked.state != Erasure.State.ASKED:
        raise WrongState
    _refuse_customers(locked.account)
    if number.strip().upper() != locked.account.number.upper():
        raise NotConfirmed(fields={"number": [str(NotConfirmed.title)]})

    locked.state, locked.confirmed_by = Erasure.State.CONFIRMED, actor.label[:200]
    locked.save(update_fields=["state", "confirmed_by"])

    audit.record(actor=actor, action="privacy.erasure_confirmed", subject=locked)
    transaction.on_commit(lambda: [wake("erase", locked.realm_id, locked.pk) for wake in ring], using=scoping.alias())
    return locked


def _refuse_customers(account: Account) -> None:
    orders = Order.objects.filter(account=account, state__in=_OPEN, realm_id=account.realm_id)
    if account.state != AccountState.CLOSED or orders.exists():
        raise StillACustomer(account=account.number)
    if LegalHold.objects.filter(account=account, released_at=None, realm_id=account.realm_id).exists():
        raise Held(account=account.number)


@contextmanager
def whole_realm(realm_id: int) -> Iterator[None]:
    """One realm through the system role: much of what names a person is insert-only for the application."""
    with scoping.enter(Scope(realm_id, "erasure", system=True)), transaction.atomic(using="system"):
        yield


def carry_out(realm_id: int, erasure_id: int) -> bool:
    """Erase what was confirmed. False when there is nothing to do. An account in use by now is refused on record."""
    with whole_realm(realm_id):
        rows = Erasure.objects.select_for_update(skip_locked=True, of=("self",)).select_related("account")
        erasure = rows.filter(pk=erasure_id, realm_id=realm_id, state="confirmed").first()
        if erasure is None:
            return False
        try:
            _refuse_customers(erasure.account)
        except (StillACustomer, Held) as problem:
            erasure.state, erasure.answer = Erasure.State.REFUSED, {"why": problem.code}
            erasure.save(update_fields=["state", "answer"])
        else:
            erasure.answer = _erase(subjects.of_account(erasure.account))
            erasure.state, erasure.done_at = Erasure.State.DONE, clock.now()
            erasure.save(update_fields=["state", "done_at", "answer"])
        audit.record(
            actor=Actor.system(realm_id), action=f"privacy.erasure_{erasure.state}", subject=erasure,
            after=erasure.answer,
        )  # fmt: skip
        return True


def _erase(subject: Subject) -> dict[str, Any]:
    """Overwrite, delete, list. The answer holds tables, numbers and reasons, never a value."""
    overwritten: dict[str, int] = {}
    deleted: dict[str, int] = {}
    kept: list[dict[str, Any]] = []
    for label, holding in holdings.holdings:
        if holding.of is None:
            continue
        rows = holding.model.objects.filter(holding.of(subject), realm_id=subject.realm_id)
        if holding.kept and (count := rows.count()):
            kept.append({"table": label, "rows": count, "why": str(holding.kept)})
        if holding.deleted:
            if count := rows.delete()[1].get(holding.model._meta.label, 0):
                deleted[label] = count
        elif holding.erased and (count := sum(_overwrite(holding, row, subject) for row in list(rows))):
            overwritten[label] = count
    return {"overwritten": overwritten, "deleted": deleted, "kept": kept}


def _overwrite(holding: Holding, row: Any, subject: Subject) -> bool:
    values: dict[str, Any] = {}
    for column, wanted in holding.erased.items():
        present = getattr(row, column)
        if wanted is SCRUBBED:
            wanted = scrubbed(present, subject.texts)
        elif isinstance(wanted, str):
            wanted = wanted.replace("{pk}", str(row.pk))
        if wanted != present:
            values[column] = wanted
    if values:
        holding.model.objects.filter(pk=row.pk, realm_id=subject.realm_id).update(**values)
    return bool(values)


def scrubbed(value: Any, texts: Sequence[str]) -> Any:
    """``value`` with every one of ``texts`` in it blotted out, in any case and however deep."""
    if isinstance(value, str) and value and texts:
        return re.sub("|".join(map(re.escape, texts)), BLOT, value, flags=re.IGNORECASE)
    if isinstance(value, dict):
        return {scrubbed(key, texts): scrubbed(item, texts) for key, item in value.items()}
    if isinstance(value, list):
        return [scrubbed(item, texts) for item in value]
    return value


def find_last(account: Account) -> Erasure | None:
    """The newest erasure of an account's person, for whoever holds :data:`ERASE`."""
    found: Erasure | None = Erasure.objects.filter(account=account).order_by("-id").first()
    return found


def journal() -> list[dict[str, Any]]:
    """What was erased in every realm, without a personal value: keep it beside the backups, not in them alone."""
    with scoping.system_transaction("erasures"):
        keys = dict(Realm.objects.values_list("pk", "key"))
        done = Erasure.objects.filter(state="done").select_related("account").order_by("id")
        return [
            {"realm": keys[row.realm_id], "account": row.account.number, "erased_at": row.done_at.isoformat()}
            for row in done
        ]


def reapply(entries: Sequence[dict[str, Any]] = ()) -> list[str]:
    """After a restore: erase again whatever the journal (this database's and ``entries``) says. Idempotent.

    Returns the accounts as ``realm/number`` that something was found of. An entry without an account is left alone:
    the backup is older than the account, or of another installation.
    """
    again: list[str] = []
    for entry in {(each["realm"], each["account"]): each for each in [*journal(), *entries]}.values():
        with scoping.system_transaction("erasures"):
            realm_id = Realm.objects.filter(key=entry["realm"]).values_list("pk", flat=True).first()
        if realm_id is None:
            continue
        with whole_realm(realm_id):
            account = Account.objects.filter(number=entry["account"], realm_id=realm_id).first()
            if account is None:
                continue
            answer = _erase(subjects.of_account(account))
            if not answer["overwritten"] and not answer["deleted"]:
                continue
            erasure = Erasure.objects.filter(account=account, realm_id=realm_id, state="done").first()
            if erasure is None:
                erasure = Erasure.objects.create(
                    account=account, state="done", asked_by="journal", done_at=entry["erased_at"], answer=answer
                )
            audit.record(
                actor=Actor.system(realm_id), action="privacy.erasure_reapplied", subject=erasure, after=answer
            )
            again.append(f"{entry['realm']}/{entry['account']}")
    return again


def due() -> list[tuple[int, int]]:
    """Realm and id of confirmed erasures that nobody has carried out yet."""
    with scoping.dispatch_transaction("erasures"):
        return list(Erasure.objects.filter(state="confirmed").values_list("realm_id", "id")[:50])
