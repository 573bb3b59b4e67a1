"""Actions on many runs as the console shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from boss.console.presenters.bulk_progress import OUTCOME, BulkProgress, ItemLine, urgency
from boss.console.presenters.marks import mark
from boss.console.presenters.runs import url_of
from boss.core.actors import Actor
from workflow.board import Position
from workflow.bulks import Progress
from workflow.choices import BulkKind
from workflow.models import Bulk, BulkItem
from workflow.services.bulk import RIGHTS, Preview

WORDS = {
    BulkKind.RETRY: (gettext_lazy("Try failed tasks again"), "rotate-clockwise"),
    BulkKind.REVERSE: (gettext_lazy("Undo…"), "arrow-back-up"),
    BulkKind.MOVE: (gettext_lazy("Move to another version…"), "arrows-exchange"),
}
TITLES = {
    BulkKind.RETRY: gettext_lazy("Try failed tasks again"),
    BulkKind.REVERSE: gettext_lazy("Undo everything these runs have made"),
    BulkKind.MOVE: gettext_lazy("Move to another version"),
}


def actions(actor: Actor) -> list[tuple[str, str, str]]:
    """What this person may do to many runs: key, words, icon."""
    return [(str(kind), str(word), icon) for kind, (word, icon) in WORDS.items() if actor.holds(RIGHTS[kind])]


def url_of_bulk(bulk: Bulk) -> str:
    return reverse("console:run_bulk_progress", args=[bulk.public_id])


def summary(preview: Preview) -> list[str]:
    """What would happen, in sentences."""
    unable = preview.chosen - preview.able
    if preview.kind == BulkKind.RETRY:
        told = [
            ngettext("%(n)s failed task is tried again", "%(n)s failed tasks are tried again", preview.tasks)
            % {"n": preview.tasks}
            + " "
            + ngettext("in %(n)s run.", "in %(n)s runs.", preview.able) % {"n": preview.able}
        ]
        if unable:
            told.append(
                ngettext("%(n)s run has no failed task.", "%(n)s runs have no failed task.", unable) % {"n": unable}
            )
        return told
    if preview.kind == BulkKind.MOVE:
        told = [ngettext("%(n)s run can be moved.", "%(n)s runs can be moved.", preview.able) % {"n": preview.able}]
        if unable:
            told.append(ngettext("%(n)s run cannot and stays.", "%(n)s runs cannot and stay.", unable) % {"n": unable})
        return [*told, *(f"{obstacle} ({count} ×)" for obstacle, count in preview.obstacles)]
    told = [
        ngettext("%(n)s run is turned round.", "%(n)s runs are turned round.", preview.able) % {"n": preview.able},
        ngettext("%(n)s task is undone.", "%(n)s tasks are undone.", preview.tasks) % {"n": preview.tasks},
    ]
    if preview.kept:
        told.append(
            ngettext(
                "%(n)s task is past its point of no return and stays.",
                "%(n)s tasks are past their point of no return and stay.",
                preview.kept,
            )
            % {"n": preview.kept}
        )
    for pool, count in preview.people:
        work = ngettext("%(n)s piece of work", "%(n)s pieces of work", count) % {"n": count}
        told.append(_("%(pool)s gets %(work)s.") % {"pool": pool or _("Nobody's pool"), "work": work})
    if unable:
        told.append(
            ngettext(
                "%(n)s run does not go forward any more and is left alone.",
                "%(n)s runs do not go forward any more and are left alone.",
                unable,
            )
            % {"n": unable}
        )
    return told


def progress_of(bulk: Bulk, progress: Progress) -> BulkProgress:
    return BulkProgress(
        title=str(TITLES[BulkKind(bulk.kind)]),
        progress=progress,
        is_over=bulk.ended_at is not None,
        asked_by=bulk.asked_by,
        url=url_of_bulk(bulk),
        among=_("Runs"),
        among_url=reverse("console:runs"),
        crumb=_("Many runs at once"),
        reason=bulk.reason,
    )


def lines(items: Iterable[BulkItem], positions: list[Position]) -> list[ItemLine]:
    """What became of each run; those that need somebody's look first."""
    named = {position.run.pk: position.subject or position.title for position in positions}
    return [
        ItemLine(named.get(item.run_id, ""), url_of(item.run), mark(OUTCOME, item.outcome), item.text)
        for item in sorted(items, key=lambda item: (urgency(item.outcome), item.position))
    ]
