"""Running reports: who may, the numbers, and the tickets behind one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from boss.core.actors import Actor
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.core.scoping import ScopedQuerySet
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.reports import answers, by_field, hours, load, promises, volume
from ticketing.reports.asking import Question, Wanted, ask
from ticketing.reports.contracts import NoSuchCell, Report, Table, reports

VIEW = "ticketing.view_savedreport"
BUILT_IN = (volume, answers, promises, load, hours, by_field)
"""The modules whose reports are the desk's own; they register themselves."""
MOST_LETTERS = 300
"""Of a cell's address: what it counts, and a value of a field."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A report's answer to one question of one person."""

    report: Report
    question: Question
    tables: list[Table]

    @property
    def finding(self) -> str:
        return self.tables[0].finding

    def table(self, key: str) -> Table:
        """Raises NotFound."""
        for table in self.tables:
            if table.key == key:
                return table
        raise NotFound(table=key)


def may_see(actor: Actor) -> bool:
    """Reports name pools and who works on what: they are for people who read internal notes as well."""
    return actor.holds(VIEW) and actor.holds(VIEW_INTERNAL)


def list_reports(actor: Actor) -> list[Report]:
    """Those the actor may run, in the order they are shown. Raises PermissionDenied without the right to any."""
    if not may_see(actor):
        raise PermissionDenied(permission=VIEW)
    allowed = [each for _key, each in reports if not each.permission or actor.holds(each.permission)]
    return sorted(allowed, key=lambda each: each.order)


def get_report(actor: Actor, key: str) -> Report:
    """One of them. Raises NotFound, also for one that takes another right."""
    for each in list_reports(actor):
        if each.key == key:
            return each
    raise NotFound(report=key)


def question_of(actor: Actor, key: str, wanted: Wanted) -> tuple[Report, Question]:
    """A report and what it is asked. Raises NotFound, InvalidInput (a filter), PermissionDenied."""
    report = get_report(actor, key)
    if wanted.group and not report.by_field:
        raise InvalidInput(fields={"group": [_("This report does not count by a field.")]})
    return report, ask(actor, wanted)


def run(actor: Actor, key: str, wanted: Wanted) -> Ran:
    """The numbers, of the tickets this person may see. Raises as :func:`question_of`."""
    report, question = question_of(actor, key, wanted)
    return Ran(report, question, report.run(question))


def tickets_behind(actor: Actor, key: str, wanted: Wanted, cell: str) -> ScopedQuerySet:
    """The tickets that one number was made of, newest first, as rows of lists want them. Raises as :func:`run`, and
    NotFound for an address that no number has."""
    report, question = question_of(actor, key, wanted)
    try:
        found = report.tickets(question, cell[:MOST_LETTERS])
    except NoSuchCell:
        raise NotFound(cell=cell) from None
    rows: Any = found.select_related("category", "pool", "assignee", "requester").order_by("-id")
    shown: ScopedQuerySet = rows
    return shown
