"""Policies of tickets: listed with where they hold, drafted, tried on recent tickets, published, reverted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms import policy_rules
from boss.console.forms.policies import LadderForm, NewPolicyForm, PublishForm, SlaForm, UseForm, add_problem
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import rules as rule_words
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.tenancy import selectors as tenancy
from ticketing import automations, dry_run, selectors
from ticketing import policies as read
from ticketing.models import Policy
from ticketing.services import policies
from ticketing.sla.kinds import PolicyKind

RUNS = 20


@staff(read.VIEW)
@require_GET
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy with its version and where it holds."""
    rows = [(policy, read.uses_of(policy)) for policy in read.list_policies(actor_of(request))]
    return page(request, "policies/list.html", {"rows": rows}, section="tickets")


@staff(read.VIEW)
@require_http_methods(["GET", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    form = NewPolicyForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = policies.create(actor=actor_of(request), **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:policy", made.public_id)
    return page(request, "policies/new.html", {"form": form}, section="tickets", status=status)


@staff(read.VIEW)
@require_http_methods(["GET", "POST"])
def policy(request: HttpRequest, public_id: str) -> HttpResponse:
    """Its draft (or what holds) to be changed, tried on recent tickets, published; its history and its places."""
    found = read.get_policy(actor_of(request), public_id)
    if request.method == "GET" or found.kind == PolicyKind.AUTOMATION:  # its rules have pages of their own
        return _policy_page(request, found)
    form = _form(found, request)
    if not form.is_valid():
        return _policy_page(request, found, form=form, status=422)
    try:
        policies.draft(actor=actor_of(request), policy=found, rules=form.rules)
    except Problem as problem:
        if isinstance(form, SlaForm | LadderForm):
            add_problem(form, problem)
        else:
            policy_rules.add_problem(form, problem)
        return _policy_page(request, found, form=form, status=problem.status)
    messages.success(request, _("Kept as a draft. It holds when you publish it."))
    return redirect("console:policy", public_id)


@staff(read.VIEW)
@require_POST
def policy_publish(request: HttpRequest, public_id: str) -> HttpResponse:
    found = read.get_policy(actor_of(request), public_id)
    form = PublishForm(request.POST, steps=_has_steps(found))
    if not form.is_valid():
        return _policy_page(request, found, publish_form=form, status=422)
    try:
        version = policies.publish(actor=actor_of(request), policy=found, **form.cleaned_data)
    except Problem as problem:
        form.add_problem(problem)
        return _policy_page(request, found, publish_form=form, status=problem.status)
    messages.success(request, _("Version %(n)s holds now.") % {"n": version.number})
    return redirect("console:policy", public_id)


@staff(read.VIEW)
@require_POST
def policy_revert(request: HttpRequest, public_id: str) -> HttpResponse:
    """Publish an earlier version once more."""
    found = read.get_policy(actor_of(request), public_id)
    number = request.POST.get("number", "")
    try:
        policies.revert(
            actor=actor_of(request), policy=found, number=int(number) if number.isdigit() else 0,
            open_tickets=request.POST.get("open_tickets", "leave"),
        )  # fmt: skip
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Version %(n)s holds again.") % {"n": number})
    return redirect("console:policy", public_id)


@staff(read.VIEW)
@require_POST
def policy_use(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let it hold in a category or in all; with ``leave`` no more."""
    actor = actor_of(request)
    found = read.get_policy(actor, public_id)
    form = UseForm(request.POST, categories=selectors.list_categories(actor), steps=_has_steps(found))
    if not form.is_valid():
        return _policy_page(request, found, use_form=form, status=422)
    key = form.cleaned_data["category"]
    category = selectors.find_category(key) if key else None
    try:
        if "leave" in request.POST:
            policies.stop_using(actor=actor, policy=found, category=category)
        else:
            open_tickets = form.cleaned_data.get("open_tickets", "leave")
            policies.use(actor=actor, policy=found, category=category, open_tickets=open_tickets)
    except Problem as problem:
        form.add_problem(problem)
        return _policy_page(request, found, use_form=form, status=problem.status)
    return redirect("console:policy", public_id)


def _has_steps(found: Policy) -> bool | None:
    """Whether there are two ways for open tickets and not three: only promised times can be counted anew. None for a
    kind by which nothing is agreed for open tickets."""
    return None if found.kind == PolicyKind.AUTOMATION else found.kind != PolicyKind.SLA


def _rules(actor: Actor, found: Policy, rules: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the page of an automation policy shows in place of a form."""
    if found.kind != PolicyKind.AUTOMATION:
        return {}
    lines = rule_words.lines(actor, rules)
    runs = rule_words.run_lines(automations.list_runs(actor, policy=found)[:RUNS])
    return {"rule_lines": lines, "next_rule": len(lines) + 1, "rule_runs": runs}


def _form(
    found: Policy, request: HttpRequest | None = None
) -> SlaForm | LadderForm | policy_rules.MatrixForm | policy_rules.ClosingForm:
    rules = found.draft or (found.current.rules if found.current else {})
    calendars = [(calendar.key, calendar.name) for calendar in tenancy.list_calendars()]
    told: tuple[Any, ...] = (request.POST,) if request is not None else ()
    if found.kind == PolicyKind.SLA:
        return SlaForm(*told, rules=rules, calendars=calendars, conditions=read.known_conditions())
    if found.kind == PolicyKind.NOTIFICATION:
        return policy_rules.MatrixForm(*told, rules=rules, calendars=calendars)
    if found.kind == PolicyKind.CLOSING:
        return policy_rules.ClosingForm(*told, rules=rules, calendars=calendars)
    pools = selectors.names_of_all_pools()
    return LadderForm(*told, rules=rules, calendars=calendars, pools=pools, roles=tenancy.list_roles_of_staff())


def _policy_page(request: HttpRequest, found: Policy, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    rules = found.draft or (found.current.rules if found.current else None)
    number = request.GET.get("number", "")
    context = {
        "policy": found,
        "uses": read.uses_of(found),
        "form": _form(found) if found.kind != PolicyKind.AUTOMATION else None,
        **_rules(actor, found, rules),
        "publish_form": PublishForm(steps=_has_steps(found)) if found.draft is not None else None,
        "use_form": UseForm(categories=selectors.list_categories(actor), steps=_has_steps(found))
        if found.current is not None
        else None,
        "versions": read.list_versions(found)[:20],
        "number": number,
        "trials": dry_run.of(actor, found, rules, number) if rules is not None else [],
        "open": read.open_under(found).count(),
    }
    return page(request, "policies/policy.html", context | forms, section="tickets", status=status)
