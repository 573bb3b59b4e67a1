"""Plans: what is sold with which workflow. Choosing another one puts a new version on sale."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.forms.plans import PlanWorkflowsForm
from boss.console.frame import actor_of, page, staff
from boss.core.actors import Actor
from boss.core.problems import Problem
from catalog import selectors
from catalog.choices import PlanVersionState, Process
from catalog.errors import PlanFrozen
from catalog.models import Plan, PlanVersion
from catalog.services import redrafting
from workflow import selectors as workflow


def _on_sale(plan: Plan) -> PlanVersion | None:
    return next((one for one in plan.versions.all() if one.state == PlanVersionState.PUBLISHED), None)


def _definitions(actor: Actor) -> list[tuple[str, str]]:
    """Workflows in use, by key."""
    found = workflow.list_definitions(actor).defer("current__document").filter(current__isnull=False)
    return sorted(
        ((known.key, f"{known.title} ({known.key})") for known in found if not known.is_archived),
        key=lambda one: one[1],
    )


@staff("catalog.view_plan")
@require_GET
def plan_list(request: HttpRequest) -> HttpResponse:
    """All plans, what is on sale of them, and what activates them. ``?workflow=`` goes along to the plan chosen."""
    actor = actor_of(request)
    titles = dict(_definitions(actor)) if actor.holds("workflow.view_definition") else {}
    rows: list[dict[str, Any]] = []
    for plan in selectors.list_plans(actor):
        version = _on_sale(plan)
        activate = version.workflows.get(Process.ACTIVATE, "") if version else ""
        rows.append({"plan": plan, "version": version, "activate": titles.get(activate, activate)})
    context = {
        "rows": rows,
        "may_publish": actor.holds("catalog.publish_plan"),
        "workflow": request.GET.get("workflow", "")[:80],
    }
    return page(request, "plans/list.html", context, section="plans")


@staff("catalog.publish_plan")
@require_http_methods(["GET", "POST"])
def plan_workflows(request: HttpRequest, public_id: str) -> HttpResponse:
    """The workflow of each process of the version on sale. Another one puts a new version on sale."""
    actor = actor_of(request)
    plan = selectors.get_plan(actor, public_id)
    version, status = _on_sale(plan), 200
    form = None
    if version is not None:
        workflows, wanted = version.workflows, request.GET.get("workflow", "")
        definitions = _definitions(actor)
        initial = {Process.ACTIVATE.value: wanted} if wanted in dict(definitions) else {}
        posted = request.POST if request.method == "POST" else None
        form = PlanWorkflowsForm(posted, workflows=workflows, definitions=definitions, initial=initial)
    if request.method == "POST":
        if form is None or version is None:
            raise PlanFrozen(_("Only a version on sale can be given other workflows."))
        status = 422
        if form.is_valid():
            try:
                made = redrafting.use_workflows(actor=actor, version=version, workflows=form.workflows)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                told = _("Version %(n)s is on sale. What was sold before keeps its workflows.")
                messages.success(request, told % {"n": made.number} if made.pk != version.pk else _("As it was."))
                return redirect("console:plan_workflows", plan.public_id)
    words = dict(Process.choices)
    context = {
        "plan": plan,
        "version": version,
        "form": form,
        "versions": [
            {
                "row": one,
                "workflows": [(words.get(process, process), key) for process, key in one.workflows.items()],
            }
            for one in plan.versions.all()
        ],
    }
    return page(request, "plans/workflows.html", context, section="plans", status=status)
