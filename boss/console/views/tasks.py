"""My tasks, the assembly line: the workflow's work for people, one at a time, of one's own pools.

The pieces of work are tickets; taking, putting back and finishing them is what the ticketing room does.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.tickets import ResolveForm
from boss.console.frame import actor_of, page, staff
from boss.console.presenters import tasks as present
from boss.console.presenters import tickets as present_tickets
from boss.core.actors import Actor
from boss.core.problems import Problem, WrongState
from boss.core.scoping import ScopedQuerySet
from ticketing import selectors
from ticketing.contracts import Outcome
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow import selectors as workflow
from workflow.engine.people import SUBJECT_KIND

SHOWN = 8


def _line(actor: Actor, pool: str = "") -> ScopedQuerySet:
    """The workflow's work in my inbox, due first; of one pool, if one is named."""
    rows: ScopedQuerySet = selectors.list_inbox(actor).filter(subject_kind=SUBJECT_KIND)
    return rows.filter(pool__key=pool) if pool else rows


@staff("ticketing.claim_ticket")
@require_GET
def my_tasks(request: HttpRequest) -> HttpResponse:
    """How much waits in my pools, what I have begun, and what comes next."""
    actor = actor_of(request)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = _line(actor).filter(assignee_id=actor.user_id)[:SHOWN]
    free = _line(actor).filter(assignee_id=None)[:SHOWN]
    pools = [present.pool(row) for row in selectors.throughput(actor, SUBJECT_KIND, midnight)]
    context = {
        "mine": [present.line(ticket) for ticket in mine],
        "free": [present.line(ticket) for ticket in free],
        "pools": pools,
        "done_by_me": sum(pool.done_by_me for pool in pools),
    }
    return page(request, "tasks/list.html", context, section="tasks")


@staff("ticketing.claim_ticket")
@require_POST
def my_tasks_next(request: HttpRequest) -> HttpResponse:
    """Take the next task, or go on with one that was begun. What somebody else just took is passed over."""
    return _go_to_next(request, request.POST.get("pool", ""))


def _go_to_next(request: HttpRequest, pool: str) -> HttpResponse:
    actor = actor_of(request)
    begun = _line(actor, pool).filter(assignee_id=actor.user_id).first()
    if begun is not None:
        return redirect(_with_pool(present.url_of_task(begun), pool))
    for ticket in _line(actor, pool).filter(assignee_id=None)[:10]:
        try:
            tickets.claim(actor=actor, ticket=ticket)
        except Problem:
            continue
        return redirect(_with_pool(present.url_of_task(ticket), pool))
    messages.success(request, _("Nothing is waiting for you."))
    return redirect("console:my_tasks")


def _with_pool(url: str, pool: str) -> str:
    known = pool.isascii() and pool.replace("-", "").replace("_", "").isalnum()
    return f"{url}?pool={pool}" if known else url


@staff("ticketing.claim_ticket")
@require_GET
def my_task(request: HttpRequest, public_id: str) -> HttpResponse:
    """One task with all it takes to do it. A ticket that is no workflow task has its own page."""
    found = selectors.get_ticket(actor_of(request), public_id)
    if found.subject_kind != SUBJECT_KIND or not found.is_open:
        return redirect(present_tickets.url_of(found))
    return _task_page(request, found)


def _task_page(request: HttpRequest, found: Ticket, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    outcomes = list(selectors.outcomes_of(found))
    chosen = _chosen(outcomes, request.POST.get("outcome") or request.GET.get("outcome", ""))
    task = workflow.find_task(actor, found.subject_id) if found.subject_id is not None else None
    context = {
        "ticket": found,
        "row": present_tickets.row(found, actor.user_id),
        "ticket_url": present_tickets.url_of(found),
        "work": present.work(task) if task is not None else None,
        # The task itself is what the page is about already.
        "cards": selectors.list_cards(found)[1:],
        "is_mine": found.assignee_id == actor.user_id,
        "may_finish": actor.holds("ticketing.resolve_ticket"),
        "outcomes": outcomes,
        "chosen": chosen,
        "pool": request.POST.get("pool") or request.GET.get("pool", ""),
        "form": ResolveForm(outcome=chosen, initial={"version": found.version}),
    }
    return page(request, "tasks/task.html", context | forms, section="tasks", status=status)


def _chosen(outcomes: list[Outcome], key: str) -> Outcome | None:
    return next((outcome for outcome in outcomes if outcome.key == key), outcomes[0] if outcomes else None)


@staff("ticketing.claim_ticket")
@require_POST
def my_task_take(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take this one."""
    found = selectors.get_ticket(actor_of(request), public_id)
    try:
        tickets.claim(actor=actor_of(request), ticket=found)
    except Problem as problem:
        messages.error(request, str(problem))
    return redirect(_with_pool(present.url_of_task(found), request.POST.get("pool", "")))


@staff("ticketing.resolve_ticket")
@require_POST
def my_task_finish(request: HttpRequest, public_id: str) -> HttpResponse:
    """End the task with its results and go on to the next one."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    outcomes = list(selectors.outcomes_of(found)) if found.is_open else []
    outcome = _chosen(outcomes, request.POST.get("outcome", ""))
    if found.subject_kind != SUBJECT_KIND or outcome is None:
        messages.error(request, _("Somebody has finished this task already."))
        return redirect("console:my_tasks")
    form = ResolveForm(request.POST, outcome=outcome)
    if not form.is_valid():
        return _task_page(request, found, status=422, form=form)
    try:
        tickets.resolve(
            actor=actor,
            ticket=found,
            outcome=outcome.key,
            values=form.values,
            note=form.cleaned_data["note"],
            confirmed=bool(form.cleaned_data.get("confirmed")),
            expected_version=form.cleaned_data["version"],
        )
    except Problem as problem:
        form.add_problem(problem)
        fresh = selectors.get_ticket(actor, public_id)
        if not fresh.is_open:
            messages.error(request, str(problem))
            return redirect("console:my_tasks")
        if isinstance(problem, WrongState):
            # Sending once more is then a decision taken on what is shown now.
            typed = request.POST.copy()
            typed["version"] = str(fresh.version)
            form.data = typed
        return _task_page(request, fresh, status=problem.status, form=form)
    messages.success(request, _("%(number)s is done.") % {"number": found.number})
    return _go_to_next(request, request.POST.get("pool", ""))
