"""Keeping reports, handing them out as files, and mailing them when they are due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from django.db import DatabaseError
from django.utils import translation
from django.utils.translation import gettext as _

from boss.core import audit, clock, file_types, files, permissions, scoping
from boss.core.actors import Actor
from boss.core.exports import csv_line
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound, Problem
from boss.core.services import service
from boss.notify.rendering import home_of
from boss.notify.services import messages
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from ticketing import saved_reports as read
from ticketing.choices import Cadence
from ticketing.models import ReportRecipient, SavedReport, Ticket
from ticketing.reports import figures
from ticketing.reports.asking import Wanted, today_of
from ticketing.reports.contracts import Table
from ticketing.reports.running import VIEW, Ran, get_report, may_see, question_of, run

log = structlog.get_logger(__name__)

MOST_RECIPIENTS = 50
PDF = "application/pdf"
MOST_ROWS = 40
"""Rows of one table in a mail; how many more there are is said below it."""


@service
def save(
    *,
    actor: Actor,
    name: str,
    report: str,
    filters: Mapping[str, Any],
    is_shared: bool = False,
    cadence: str = "",
    weekday: int = 1,
    monthday: int = 1,
    at: dt.time | None = None,
    recipients: Sequence[User] = (),
    saved: SavedReport | None = None,
) -> SavedReport:
    """Keep a report with its filters under a name, or change one's own (``saved``).

    With a ``cadence`` it is mailed to ``recipients`` (without any: to its owner) at ``at`` where the provider is.
    Raises InvalidInput with the fields that cannot be, NotFound for an unknown report, PermissionDenied.
    """
    permissions.require(actor, VIEW)
    if actor.user_id is None:  # a program has nothing of its own
        raise PermissionDenied(permission=VIEW)
    kept = _locked(actor, saved) if saved is not None else SavedReport(owner_id=actor.user_id)

    get_report(actor, report)
    wanted = Wanted.of(filters, today=today_of(actor))
    question_of(actor, report, wanted)
    people = list(dict.fromkeys(recipients))
    _check(kept, name, cadence, weekday, monthday, at, people)

    before = _told(kept) if saved is not None else None
    kept.name, kept.report, kept.filters, kept.is_shared = " ".join(name.split()), report, wanted.named(), is_shared
    kept.cadence, kept.weekday, kept.monthday = cadence, weekday, monthday
    kept.at = at if cadence else None
    kept.next_at = read.next_time(kept, _zone(actor), clock.now())
    kept.save()
    ReportRecipient.objects.filter(saved=kept).exclude(user__in=people).delete()
    ReportRecipient.objects.bulk_create(
        [ReportRecipient(saved=kept, user=user) for user in people], ignore_conflicts=True
    )

    after = _told(kept) | {"recipients": [user.public_id for user in people]}
    if saved is None:
        audit.record(actor=actor, action="report.saved", subject=kept, after=after)
    else:
        audit.record(actor=actor, action="report.changed", subject=kept, before=before, after=after)
    return kept


@service
def delete(*, actor: Actor, saved: SavedReport) -> None:
    """Keep it no longer: one's own only. Raises NotFound, PermissionDenied."""
    permissions.require(actor, VIEW)
    kept = _locked(actor, saved)

    audit.record(actor=actor, action="report.deleted", subject=kept, before=_told(kept), after={})
    kept.delete()


def _locked(actor: Actor, saved: SavedReport) -> SavedReport:
    kept: SavedReport | None = SavedReport.objects.select_for_update().filter(pk=saved.pk).first()
    if kept is None:
        raise NotFound(report=saved.public_id)
    if kept.owner_id != actor.user_id:
        raise PermissionDenied(permission=VIEW)
    return kept


def _check(
    kept: SavedReport, name: str, cadence: str, weekday: int, monthday: int, at: dt.time | None, people: list[User]
) -> None:
    errors: dict[str, list[str]] = {}
    name = " ".join(name.split())
    if not name or len(name) > 80:
        errors["name"] = [_("Give it a name of at most 80 characters.")]
    elif SavedReport.objects.filter(owner_id=kept.owner_id, name=name).exclude(pk=kept.pk).exists():
        errors["name"] = [_("You have a report of this name already.")]
    if cadence and cadence not in Cadence.values:
        errors["cadence"] = [_("Every day, every week or every month.")]
    if not 1 <= weekday <= 7:
        errors["weekday"] = [_("There is no such weekday.")]
    if not 1 <= monthday <= 28:
        errors["monthday"] = [_("A day from 1 to 28: every month has those.")]
    if cadence and at is None:
        errors["at"] = [_("Say at what time.")]
    if len(people) > MOST_RECIPIENTS:
        errors["recipients"] = [_("At most %(n)s people.") % {"n": MOST_RECIPIENTS}]
    elif strangers := [user.full_name for user in people if not _may_see(user)]:
        errors["recipients"] = [_("May not see reports: %(names)s.") % {"names": ", ".join(strangers)}]
    if errors:
        raise InvalidInput(fields=errors)


def _may_see(user: User) -> bool:
    if not user.is_active or user.kind != User.Kind.STAFF:
        return False
    actor = tenancy.actor_for_user(user)
    return may_see(actor) and permissions.may(actor, VIEW)


def _told(saved: SavedReport) -> dict[str, Any]:
    return {
        "name": saved.name,
        "report": saved.report,
        "filters": saved.filters,
        "shared": saved.is_shared,
        "cadence": saved.cadence,
    }


def _zone(actor: Actor) -> ZoneInfo:
    return ZoneInfo(tenancy.get_realm(actor.realm_id).time_zone)


# Files


@service
def export(*, actor: Actor, report: str, wanted: Wanted, table: str) -> str:
    """One table of a report as CSV, on record. Raises as :func:`ticketing.reports.running.run`, and NotFound."""
    ran = run(actor, report, wanted)
    found = ran.table(table)

    audit.record(
        actor=actor, action="report.exported", subject=Ticket,
        after={"report": report, "table": table, "rows": len(found.rows), "filters": wanted.named()},
    )  # fmt: skip
    return "".join(csv_line(line) for line in figures.as_lines(found))


@service
def export_pdf(*, actor: Actor, report: str, wanted: Wanted) -> bytes:
    """All of a report as PDF, with the actor's rights, on record. Raises as :func:`ticketing.reports.running.run`."""
    ran = run(actor, report, wanted)

    audit.record(
        actor=actor, action="report.exported", subject=Ticket,
        after={
            "report": report, "format": "pdf", "rows": sum(len(table.rows) for table in ran.tables),
            "filters": wanted.named(),
        },
    )  # fmt: skip
    return _as_pdf(ran, actor.label)


def _as_pdf(ran: Ran, made_for: str, title: str = "") -> bytes:
    # The libraries that set type take two seconds to load: only a process that makes a PDF loads them.
    from ticketing.reports import printing

    return printing.as_pdf(ran, title=title, made_for=made_for, language=translation.get_language() or "en")


# Mails


def sweep(limit: int = 100) -> int:
    """Mail what is due in all realms; gives back how many mails. Any number of sweepers may run at once."""
    with scoping.dispatch_transaction("reports"):
        due = list(
            SavedReport.objects.filter(next_at__lte=clock.now())
            .order_by("next_at")
            .values_list("realm_id", "id")[:limit]
        )
    return sum(_send_in(realm_id, saved_id) for realm_id, saved_id in due)


def _send_in(realm_id: int, saved_id: int) -> int:
    """One report, in one transaction with its next time: whoever dies in the middle has sent nothing.

    A report that cannot be run waits for its next time, so that it does not stand before the others for ever.
    """
    actor = Actor.system(realm_id, _("Reports"))
    try:
        with scoping.realm_transaction(realm_id, "reports"):
            return send(actor=actor, saved_id=saved_id)
    except DatabaseError:
        raise  # the database is away or slow: all of them are tried again
    except Exception:
        log.exception("report_not_run", saved=saved_id)
    with scoping.realm_transaction(realm_id, "reports"):
        saved = SavedReport.objects.select_for_update().filter(pk=saved_id).first()
        if saved is not None:
            saved.next_at = read.next_time(saved, _zone(actor), clock.now())
            saved.save(update_fields=["next_at"])
    return 0


@service
def send(*, actor: Actor, saved_id: int) -> int:
    """Mail a report that is due to everybody who may see it now, each with the numbers of what he may see.

    A time that was missed is made up for once. Gives back how many mails were written.
    """
    now = clock.now()
    saved: SavedReport | None = (
        SavedReport.objects.select_for_update(skip_locked=True, of=("self",)).select_related("owner")
        .filter(pk=saved_id, next_at__lte=now).first()
    )  # fmt: skip
    if saved is None or saved.next_at is None:  # another worker is at it, or has been
        return 0
    due_at = saved.next_at
    people = [each.user for each in saved.recipients.select_related("user").order_by("id")] or [saved.owner]
    sent = sum(_mail(actor, saved, user, due_at) for user in people if _may_see(user))
    saved.sent_at, saved.next_at = now, read.next_time(saved, _zone(actor), now)
    saved.save(update_fields=["sent_at", "next_at"])
    audit.record(
        actor=actor, action="report.mailed", subject=saved, after={"name": saved.name, "to": sent, "of": len(people)}
    )
    return sent


def _mail(actor: Actor, saved: SavedReport, user: User, due_at: dt.datetime) -> bool:
    reader = tenancy.actor_for_user(user)
    today = today_of(reader)
    with translation.override(user.language):
        try:
            wanted = read.whole_days(read.wanted_of(saved, today), today)
            ran = run(reader, saved.report, wanted)
        except Problem as problem:  # a filter that is gone, a right that he has lost: he is told nothing
            log.warning("report_not_sent", report=saved.public_id, user=user.pk, why=problem.code)
            return False
        query = urlencode(wanted.named())
        pdf = files.store(_as_pdf(ran, user.full_name, saved.name), PDF)
        messages.send(
            actor=actor,
            template="ticket_report",
            to=[(user.email, user.full_name)],
            context={
                "name": user.get_short_name(),
                "title": saved.name,
                "basis": ran.report.basis,
                "first": ran.question.first,
                "last": ran.question.last,
                "has_period": ran.report.has_period,
                "tables": [_shown(table) for table in ran.tables],
                "link": f"{home_of(actor.realm_id)}console/tickets/reports/{saved.report}/?{query}",
                "owner": saved.owner.full_name if saved.owner_id != user.pk else "",
            },
            key=f"ticketing.report:{saved.public_id}:{user.pk}:{due_at:%Y%m%dT%H%M}",
            language=user.language,
            files=[(pdf.pk, file_types.clean_name(f"{saved.name} {ran.question.last}.pdf"), PDF)],
        )
    return True


def _shown(table: Table) -> dict[str, Any]:
    heads, *lines = figures.as_words(table)
    return {
        "finding": table.finding,
        "heading": table.heading,
        "heads": heads,
        "lines": lines[:MOST_ROWS],
        "more": max(0, len(lines) - MOST_ROWS),
    }
