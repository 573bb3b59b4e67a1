"""The board of runs: what is under way, where it stands, what needs somebody."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from boss.console.forms.board import BoardForm
from boss.console.frame import actor_of, fragment, page, staff
from boss.console.presenters import board as present
from boss.console.presenters import bulk as bulk_present
from boss.core.actors import Actor
from boss.look.pages import newest_first
from workflow import board, sample, selectors
from workflow.engine import graphs
from workflow.models import Definition
from workflow.services.bulk import MOST_RUNS, RIGHTS


def states() -> list[tuple[str, str]]:
    return [
        ("open", _("Open")),
        ("attention", _("Need a person")),
        ("late", _("Late")),
        ("waiting", _("Waiting")),
        ("running", _("At work")),
        ("reversing", _("Being undone")),
        ("closed", _("Closed")),
        ("completed", _("Completed")),
        ("reversed", _("Undone")),
        ("all", _("All")),
    ]


@staff("workflow.view_run")
@require_GET
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs, newest first; open ones unless asked otherwise. How many there are comes in later: counting takes longer
    than showing."""
    actor = actor_of(request)
    form = board_form(request, actor)
    wanted = form.wanted
    shown = newest_first(board.list_runs(actor, wanted), request.GET.get("after", ""))
    rows = {position.run.pk: present.row(position) for position in board.positions(shown.rows)}
    context = {
        "page": shown.map(lambda run: rows[run.pk]),
        "wanted": wanted,
        "form": form,
        "states": states(),
        "may_bulk": any(actor.holds(right) for right in RIGHTS.values()),
        "bulk_actions": bulk_present.actions(actor),
        "most_runs": MOST_RUNS,
        "most_sampled": sample.MOST_RUNS,
        "query": urlencode({key: value for key, value in form.cleaned_data.items() if value}),
    }
    return page(request, "runs/list.html", context, section="runs")


@staff("workflow.view_run")
@require_GET
def run_counts(request: HttpRequest) -> HttpResponse:
    """How many runs are under way and where they stand, for the board."""
    counts = board.counts(actor_of(request))
    context = {"tiles": present.tiles(counts, request.GET.get("state", "open")), "blocks": present.blocks(counts)}
    return fragment(request, "runs/counts.html", context)


def board_form(request: HttpRequest, actor: Actor, given: QueryDict | None = None) -> BoardForm:
    """The filters of the address, with the tasks of the workflow that was chosen."""
    given = request.GET if given is None else given
    definitions = list(selectors.list_definitions(actor).defer("current__document"))
    chosen = next((known for known in definitions if known.key == given.get("definition")), None)
    tasks = _tasks_of(chosen)
    asked = given.get("task", "")
    if asked and asked not in dict(tasks):
        # A task of an older version, or of any workflow: runs may stand there all the same.
        tasks.append((asked, asked.replace("_", " ").capitalize()))
    return BoardForm(given, definitions=[(known.key, known.title) for known in definitions], tasks=tasks)


def _tasks_of(definition: Definition | None) -> list[tuple[str, str]]:
    if definition is None or definition.current_id is None:
        return []
    return [(spec.key, spec.title) for spec in graphs.of_version(definition.realm_id, definition.current_id).tasks]
