"""One thing done to many runs: what it would do, the word to do it, and how far it is."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.board import BulkForm
from boss.console.frame import actor_of, page, staff
from boss.console.presenters import bulk as present
from boss.console.presenters.bulk_progress import ItemLine
from boss.console.views import bulk_progress
from boss.console.views.board import board_form
from boss.core.problems import InvalidInput, Problem
from boss.look import once
from workflow import board, bulks
from workflow.choices import BulkKind
from workflow.services import bulk


@staff("workflow.view_run")
@require_POST
def run_bulk(request: HttpRequest) -> HttpResponse:
    """The chosen runs and what is to be done with them: first its sum, then, confirmed, the doing."""
    actor = actor_of(request)
    action = request.POST.get("action", "")
    chosen = request.POST.getlist("run")
    if request.POST.get("all"):
        wanted = board_form(request, actor, QueryDict(request.POST.get("found", ""))).wanted
        chosen = list(board.list_runs(actor, wanted).values_list("public_id", flat=True)[: bulk.MOST_RUNS])
    versions = bulks.list_common_versions(actor, chosen) if action == BulkKind.MOVE else []
    numbers = [version.number for version in versions]
    asked = request.POST.get("version", "")
    version = int(asked) if asked.isdigit() and int(asked) in numbers else next(iter(numbers), None)
    try:
        told = bulk.preview(actor=actor, kind=action, public_ids=chosen, version=version)
    except InvalidInput as problem:
        messages.error(request, " ".join(text for texts in problem.fields.values() for text in texts))
        return redirect("console:runs")

    going = "go" in request.POST and "look" not in request.POST
    form = BulkForm(
        request.POST if going else None,
        action=action,
        versions=[(known.number, _("Version %(n)s") % {"n": known.number}) for known in versions],
        initial={"once": once.new_key(), "version": version},
    )
    status = 200
    if going:
        status = 422
        if form.is_valid():
            try:
                begun = bulk.begin(
                    actor=actor,
                    kind=action,
                    public_ids=chosen,
                    reason=form.cleaned_data.get("reason", ""),
                    version=form.cleaned_data.get("version"),
                    key=form.cleaned_data["once"],
                )
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect(present.url_of_bulk(begun))
    context = {
        "action": action,
        "title": present.TITLES[BulkKind(action)],
        "chosen": chosen,
        "told": told,
        "summary": present.summary(told),
        "form": form,
    }
    return page(request, "runs/bulk.html", context, section="runs", status=status)


@staff("workflow.view_bulk")
@require_GET
def run_bulk_progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """How far it is and what became of each run."""
    found = bulks.get(actor_of(request), public_id)

    def lines() -> list[ItemLine]:
        items = list(bulks.list_items(found))
        return present.lines(items, board.positions([item.run for item in items]))

    return bulk_progress.show(request, present.progress_of(found, bulks.progress(found)), lines, section="runs")
