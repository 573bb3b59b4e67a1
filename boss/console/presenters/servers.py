"""A server's settings and what its driver was found to keep, as the console shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from boss.core import clock
from boss.look.marks import Mark
from ipservices.conformance import CHECKS
from ipservices.conformance.own import Outcome
from ipservices.families import kinds
from ipservices.models import Binding, ConformanceReport
from ipservices.registry import DriverKind

_LONGEST = timedelta(minutes=26)
"""A report not finished after this was left by a lost worker."""


def settings_of(binding: Binding, kind: DriverKind | None) -> list[tuple[str, str]]:
    """Titles and values. Secrets are not among them."""
    if kind is None:
        return [(key, str(value)) for key, value in binding.settings.items()]
    return [(str(one.title), str(binding.settings.get(one.key, "") or "–")) for one in kind.driver.settings]


def badge(report: ConformanceReport | None) -> Mark:
    """The result of the latest trial in a word or two."""
    if report is None:
        return Mark(_("Not tried yet"), "help", "idle")
    if report.finished_at is None:
        lost = clock.now() - report.started_at > _LONGEST
        return Mark(_("Trial was lost"), "alert-triangle", "wait") if lost else Mark(_("Trying"), "loader-2", "busy")
    if report.broken:
        words = ngettext("%(n)s promise broken", "%(n)s promises broken", report.broken) % {"n": report.broken}
        return Mark(words, "alert-triangle", "bad")
    return Mark(_("%(n)s promises kept") % {"n": report.passed}, "circle-check", "ok")


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One promise and how it went with each kind."""

    title: str
    kind: str
    mark: Mark
    detail: str


def table(report: ConformanceReport | None) -> list[CheckRow]:
    """Every check that means something on this server: what is broken first, then in the kit's order."""
    titles = {check.key: str(check.title) for check in CHECKS} | {"clean_up": _("What was made is taken away")}
    marks = {
        Outcome.KEPT: Mark(_("Kept"), "circle-check", "ok"),
        Outcome.BROKEN: Mark(_("Broken"), "alert-triangle", "bad"),
        Outcome.NOT_ASKED: Mark(_("Not asked"), "circle-minus", "idle"),
    }
    rows: list[CheckRow] = []
    for result in report.results if report is not None else []:
        outcome = Outcome(result["outcome"])
        if outcome in marks:
            detail = _("needs %(what)s") % {"what": result["detail"]} if outcome is Outcome.NOT_ASKED else ""
            known = kinds.find(result["kind"])
            rows.append(
                CheckRow(titles.get(result["check"], result["check"]), known.noun if known else result["kind"],
                         marks[outcome], detail or result["detail"])
            )  # fmt: skip
    return sorted(rows, key=lambda row: row.mark != marks[Outcome.BROKEN])
