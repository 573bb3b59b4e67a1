"""The conformance kit on a realm's own server: asked for by a person, run by a worker, kept as a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

from django.db import transaction

from boss.core import audit, clock, scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.services import service
from ipservices.conformance import own
from ipservices.contracts import DriverError
from ipservices.models import Binding, ConformanceReport
from ipservices.services import calls

# Set by ``apps``: wakes a worker for (realm, report).
wake: list[Callable[[int, int], None]] = []


@service
def ask(*, actor: Actor, binding: Binding, now: bool = False) -> ConformanceReport:
    """Have a worker run the kit on the server; the report it will fill. Everything happens under a name made for it.

    With ``now`` nobody is woken: the caller runs it.
    """
    require(actor, "ipservices.manage_bindings", binding)

    report: ConformanceReport = ConformanceReport.objects.create(binding=binding)

    audit.record(actor=actor, action="binding.conformance_asked", subject=binding, after={"report": report.public_id})
    if not now:
        realm_id, report_id = report.realm_id, report.pk
        transaction.on_commit(lambda: [call(realm_id, report_id) for call in wake], using=scoping.alias())
    return report


def run(
    *, realm_id: int, report_id: int, tell: Callable[[own.Result], None] = lambda result: None
) -> ConformanceReport:
    """Run every check and keep each result as it comes, so that a page can show how far it is."""
    calls.refuse_inside_transaction()
    with scoping.realm_transaction(realm_id, "conformance"):
        report: ConformanceReport = ConformanceReport.objects.select_related("binding").get(pk=report_id)
        if report.finished_at is not None:
            return report
        connection = calls.connection_of(report.binding)
    results: list[own.Result] = []
    try:
        for result in own.run_all(report.binding, connection):
            results.append(result)
            tell(result)
            _keep(report, results)
    except DriverError as error:
        # Cleaning up failed: the server went away meanwhile, and something made for the trial may be left there.
        results.append(own.Result("", "clean_up", own.Outcome.BROKEN, str(error)[:500]))
    report.finished_at = clock.now()
    _keep(report, results)
    return report


def _keep(report: ConformanceReport, results: list[own.Result]) -> None:
    outcomes = [result.outcome for result in results]
    report.results = [asdict(result) for result in results]
    report.passed, report.broken = outcomes.count(own.Outcome.KEPT), outcomes.count(own.Outcome.BROKEN)
    with scoping.realm_transaction(report.realm_id, "conformance"):
        report.save(update_fields=["results", "passed", "broken", "finished_at"])
