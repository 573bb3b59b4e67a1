"""A run: its graph in live state, its journal, one task in detail, and what people may do to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse as reverse_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.runs import ByHandForm, ReverseForm, SendBackForm, SkipForm
from boss.console.frame import actor_of, fragment, page, refused, staff
from boss.console.presenters import runs as present
from boss.console.presenters import timeline as present_timeline
from boss.console.presenters.marks import RUN, mark
from boss.core import permissions
from boss.core.problems import NotFound, Problem
from workflow import selectors
from workflow.choices import RunState
from workflow.models import Run
from workflow.services import runs, tasks


@staff("workflow.view_run")
@require_GET
def run(request: HttpRequest, public_id: str) -> HttpResponse:
    """The run's page; ``?task=`` shows one task beside the journal."""
    return _run_page(request, selectors.get_run(actor_of(request), public_id))


def _run_page(request: HttpRequest, found: Run, *, key: str = "", status: int = 200, **forms: Any) -> HttpResponse:
    key = key or request.GET.get("task", "")
    graph = selectors.graph(found)
    look = _journal_look(request)
    whole = selectors.find_whole(found)
    context = {
        "run": found,
        "live": present.live(found, graph, key, look=look),
        "story": present.story(found, look),
        "narrowed": look,
        "tasks": [(node.key, node.title) for node in graph.nodes],
        "subject": present.subject_of(found),
        "part_of": present.part_of(whole) if whole else None,
        "may_reverse": found.state == RunState.RUNNING
        and permissions.may(actor_of(request), "workflow.reverse_run", found),
        "may_move": found.state == RunState.RUNNING
        and found.version_id != found.version.definition.current_id
        and actor_of(request).holds("workflow.move_run"),
        **_task_context(request, found, key if any(node.key == key for node in graph.nodes) else ""),
    }
    return page(request, "runs/run.html", context | forms, section="runs", status=status)


def _journal_look(request: HttpRequest) -> present.JournalLook:
    return present.JournalLook(
        what=request.GET.get("what", ""), about=request.GET.get("about", ""), whole=request.GET.get("journal") == "all"
    )


def _task_context(request: HttpRequest, found: Run, key: str) -> dict[str, Any]:
    if not key:
        return {}
    actor = actor_of(request)
    panel = present.panel(selectors.get_task(actor, found, key))
    return {
        "panel": panel,
        "send_back_url": f"{reverse_url('console:run_send_back', args=[found.public_id, key])}"
        if panel.may_send_back and permissions.may(actor, "workflow.reverse_run", found)
        else "",
        "may_retry": panel.may_retry and actor.holds("workflow.retry_task"),
        "by_hand_form": ByHandForm(asked=panel.asked)
        if panel.may_complete and actor.holds("workflow.complete_task")
        else None,
        "skip_form": SkipForm() if panel.may_skip and actor.holds("workflow.skip_task") else None,
    }


@staff("workflow.view_run")
@require_GET
def live(request: HttpRequest, public_id: str) -> HttpResponse:
    """What changes while one looks, asked every two seconds; 204 when nothing did, and no more once it is closed.

    While nothing happens one short read is all it costs.
    """
    actor = actor_of(request)
    if request.GET.get("seen") == selectors.pulse(actor, public_id).token:
        return HttpResponse(status=204)
    found = selectors.get_run(actor, public_id)
    look = _journal_look(request)
    context = {
        "live": present.live(found, selectors.graph(found), request.GET.get("task", ""), look=look),
        "story": present.story(found, look),
        "narrowed": look,
        "renewed": True,
    }
    return fragment(request, "runs/live.html", context)


@staff("workflow.view_run")
@require_GET
def timeline(request: HttpRequest, public_id: str) -> HttpResponse:
    """The run over time, for the fold on its page."""
    found = selectors.get_run(actor_of(request), public_id)
    told = present_timeline.timeline(found, selectors.graph(found), selectors.list_run_attempts(found))
    return fragment(request, "runs/timeline.html", {"timeline": told})


@staff("workflow.retry_task")
@require_POST
def retry(request: HttpRequest, public_id: str, key: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_run(actor, public_id)
    try:
        tasks.retry(actor=actor, task=selectors.get_task(actor, found, key))
    except NotFound:
        raise
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("It is being tried again."))
    return redirect(present.task_url(found, key))


@staff("workflow.complete_task")
@require_POST
def complete(request: HttpRequest, public_id: str, key: str) -> HttpResponse:
    """Done by hand: with the results the task would have given, the run goes on."""
    actor = actor_of(request)
    found = selectors.get_run(actor, public_id)
    task = selectors.get_task(actor, found, key)
    form = ByHandForm(request.POST, asked=present.panel(task).asked)
    if not form.is_valid():
        return _run_page(request, found, key=key, status=422, by_hand_form=form)
    try:
        tasks.complete_by_hand(actor=actor, task=task, outputs=form.values, note=form.cleaned_data["note"])
    except Problem as problem:
        form.add_problem(problem)
        fresh = selectors.get_run(actor, public_id)
        return _run_page(request, fresh, key=key, status=problem.status, by_hand_form=form)
    messages.success(request, _("Kept. The run goes on."))
    return redirect(present.task_url(found, key))


@staff("workflow.skip_task")
@require_POST
def skip(request: HttpRequest, public_id: str, key: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_run(actor, public_id)
    task = selectors.get_task(actor, found, key)
    form = SkipForm(request.POST)
    if not form.is_valid():
        return _run_page(request, found, key=key, status=422, skip_form=form)
    try:
        tasks.skip(actor=actor, task=task, reason=form.cleaned_data["reason"])
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Left out. The run goes on."))
    return redirect(present.task_url(found, key))


@staff("workflow.reverse_run")
@require_http_methods(["GET", "POST"])
def reverse(request: HttpRequest, public_id: str) -> HttpResponse:
    """The plan first: what will be undone, what stays, who gets work. Then, with a reason, the reversal."""
    actor = actor_of(request)
    found = selectors.get_run(actor, public_id)
    form = ReverseForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                runs.reverse(actor=actor, run=found, reason=form.cleaned_data["reason"])
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("The run is being undone."))
                return redirect(present.url_of(found))
    plan = runs.preview_reversal(actor=actor, run=found)
    context = {
        "run": found,
        "state": mark(RUN, found.state),
        "subject": present.subject_of(found),
        "plan": present.plan_view(plan),
        "kept": plan.points_of_no_return,
        "form": form,
        "possible": found.state == RunState.RUNNING,
    }
    return page(request, "runs/reverse.html", context, section="runs", status=status)


@staff("workflow.reverse_run")
@require_http_methods(["GET", "POST"])
def send_back(request: HttpRequest, public_id: str, key: str) -> HttpResponse:
    """The plan first: what is undone to be done again from this task on. Then, with a reason, the way back."""
    actor = actor_of(request)
    found = selectors.get_run(actor, public_id)
    task = selectors.get_task(actor, found, key)
    form = SendBackForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                runs.take_back(actor=actor, run=found, to=key, reason=form.cleaned_data["reason"])
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("The run goes back to this task."))
                return redirect(present.task_url(found, key))
    try:
        plan = runs.preview_taking_back(actor=actor, run=found, to=key)
    except Problem as problem:
        refused(request, problem)
        return redirect(present.task_url(found, key))
    context = {
        "run": found,
        "task_url": present.task_url(found, key),
        "title": selectors.title_of(task),
        "subject": present.subject_of(found),
        "plan": present.plan_view(plan),
        "form": form,
        "possible": present.panel(task).may_send_back,
    }
    return page(request, "runs/send_back.html", context, section="runs", status=status)
