"""Migrations between servers as the console shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.console.presenters.marks import mark
from boss.console.presenters.services import family_title
from boss.look.marks import Mark
from ipservices import selectors
from ipservices.choices import MigrationState, MoveState
from ipservices.luggage import luggage_of
from ipservices.models import Migration, MigrationItem

__all__ = ["MOVE", "MigrationRow", "MoveRow", "Progress", "luggage_of", "move_row", "progress", "row", "url_of"]

STATE = {
    "checking": Mark(gettext_lazy("Being looked at"), "loader-2", "busy"),
    "ready": Mark(gettext_lazy("Ready to start"), "player-play", "wait"),
    "running": Mark(gettext_lazy("Under way"), "loader-2", "busy"),
    "paused": Mark(gettext_lazy("Paused"), "player-pause", "wait"),
    "over": Mark(gettext_lazy("Over"), "circle-check", "ok"),
}
MOVE = {
    "pending": Mark(gettext_lazy("To be looked at"), "clock", "idle"),
    "ready": Mark(gettext_lazy("Can be moved"), "clock", "busy"),
    "refused": Mark(gettext_lazy("Stays"), "ban", "wait"),
    "moving": Mark(gettext_lazy("Being moved"), "loader-2", "busy"),
    "done": Mark(gettext_lazy("Moved"), "check", "ok"),
    "failed": Mark(gettext_lazy("Failed"), "x", "bad"),
    "returning": Mark(gettext_lazy("Being rolled back"), "arrow-back-up", "undo"),
    "returned": Mark(gettext_lazy("Rolled back"), "arrow-back-up", "undo"),
}
SETTLED = (MoveState.REFUSED, MoveState.DONE, MoveState.FAILED, MoveState.RETURNED)


def url_of(migration: Migration) -> str:
    return reverse("console:migration", args=[migration.public_id])


@dataclass(frozen=True, slots=True)
class MigrationRow:
    title: str
    family: str
    state: Mark
    asked_by: str
    asked_at: datetime
    url: str


def row(migration: Migration) -> MigrationRow:
    return MigrationRow(
        title=str(migration),
        family=family_title(migration.source.family),
        state=mark(STATE, migration.state),
        asked_by=migration.asked_by,
        asked_at=migration.asked_at,
        url=url_of(migration),
    )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: ``counts`` by state, ``reasons`` with how many services each stands for."""

    counts: list[tuple[Mark, int]]
    reasons: list[tuple[Mark, str, int]]
    total: int
    settled: int
    can_move: int
    moved: int
    failed: int
    seen: str
    is_live: bool


def progress(migration: Migration) -> Progress:
    counted = selectors.count_moves(migration)
    looked_at = counted.get(MoveState.PENDING, 0)
    total = sum(counted.values())
    settled = sum(counted.get(state, 0) for state in SETTLED)
    if migration.state == MigrationState.CHECKING:
        settled = total - looked_at
    return Progress(
        counts=[(known, counted[state]) for state, known in MOVE.items() if counted.get(state)],
        reasons=[(mark(MOVE, state), text, count) for state, text, count in selectors.count_reasons(migration)],
        total=total,
        settled=settled,
        can_move=counted.get(MoveState.READY, 0),
        moved=counted.get(MoveState.DONE, 0),
        failed=counted.get(MoveState.FAILED, 0),
        seen=f"{migration.state}-{'-'.join(f'{state}{count}' for state, count in sorted(counted.items()))}",
        is_live=migration.state in (MigrationState.CHECKING, MigrationState.RUNNING),
    )


@dataclass(frozen=True, slots=True)
class MoveRow:
    name: str
    url: str
    account: str
    state: Mark
    text: str
    service: str
    can_retry: bool
    can_return: bool


def move_row(item: MigrationItem) -> MoveRow:
    done = item.get_step_display() if item.state == MoveState.FAILED else ""
    text = " ".join(part for part in (item.reason or item.note, _("So far: %(done)s.") % {"done": done} if done else "")
                    if part)  # fmt: skip
    return MoveRow(
        name=item.service.name or item.service.title,
        url=reverse("console:service", args=[item.service.public_id]),
        account=item.service.account.name,
        state=mark(MOVE, item.state),
        text=text,
        service=item.service.public_id,
        can_retry=item.state == MoveState.FAILED,
        can_return=item.state in (MoveState.DONE, MoveState.FAILED),
    )
