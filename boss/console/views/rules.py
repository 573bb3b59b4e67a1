"""Automation rules: one rule of a policy's draft, what rules did on a ticket, and letting them act again there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.rules import RuleForm, hints
from boss.console.frame import actor_of, fragment, page, refused, staff
from boss.console.presenters import rules as present
from boss.console.presenters import tickets as present_tickets
from boss.core import permissions
from boss.core.problems import NotFound, Problem
from ticketing import automations, placeholders, selectors
from ticketing import policies as read
from ticketing.models import Policy
from ticketing.models.thread import VIEW_INTERNAL
from ticketing.services import automation, policies
from ticketing.sla.kinds import PolicyKind

SHOWN = 20


@staff(read.VIEW)
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, public_id: str, place: str) -> HttpResponse:
    """A rule of the draft (or of what holds), counted from one; the number after the last is a new one."""
    actor = actor_of(request)
    found = read.get_policy(actor, public_id)
    told = _rules_of(found)
    number = int(place) if place.isdecimal() and len(place) < 4 else 0
    if found.kind != PolicyKind.AUTOMATION or not 1 <= number <= len(told) + 1:
        raise NotFound(rule=place)
    at = number - 1
    present_one = told[at] if at < len(told) else None
    if request.method == "GET":
        return _rule_page(request, found, number, RuleForm(actor=actor, rule=present_one), is_new=present_one is None)
    verb = request.POST.get("verb", "keep")
    if verb in ("remove", "up") and present_one is not None:
        wanted = [one for index, one in enumerate(told) if index != at]
        if verb == "up":
            wanted.insert(max(0, at - 1), present_one)
        try:
            policies.draft(actor=actor, policy=found, rules={"rules": wanted})
        except Problem as problem:
            refused(request, problem)
        return redirect("console:policy", public_id)
    form = RuleForm(request.POST, actor=actor, rule=present_one)
    status = 422
    if form.is_valid():
        kept = form.rule
        try:
            policies.draft(actor=actor, policy=found, rules={"rules": [*told[:at], kept, *told[at + 1 :]]})
        except Problem as problem:
            form.add_problem(problem, at)
            status = problem.status
        else:
            messages.success(request, _("Kept as a draft. It holds when you publish it."))
            return redirect("console:policy", public_id)
    return _rule_page(request, found, number, form, is_new=present_one is None, status=status)


def _rules_of(found: Policy) -> list[dict[str, Any]]:
    rules = found.draft or (found.current.rules if found.current else {})
    return list(rules.get("rules", []))


def _rule_page(
    request: HttpRequest, found: Policy, number: int, form: RuleForm, *, is_new: bool, status: int = 200
) -> HttpResponse:
    context = {
        "policy": found, "number": number, "form": form, "is_new": is_new, "hints": hints(),
        "known": placeholders.KNOWN.items(),
    }  # fmt: skip
    return page(request, "policies/rule.html", context, section="tickets", status=status)


@staff(VIEW_INTERNAL)
@require_GET
def panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """What rules have done on a ticket and why not, and whether they are stopped: a part of its page, or a page."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    context = {
        "ticket": found,
        "breaker": automations.find_breaker(found),
        "runs": present.run_lines(automations.list_runs(actor, ticket=found)[:SHOWN]),
        "may_resume": permissions.may(actor, automation.SUPERVISES, found),
    }
    if request.headers.get("HX-Request"):
        return fragment(request, "tickets/rules.html", context)
    return page(request, "tickets/rules_page.html", context, section="tickets")


@staff(automation.SUPERVISES)
@require_POST
def resume(request: HttpRequest, public_id: str) -> HttpResponse:
    """Rules may act on the ticket again."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        automation.let_act_again(actor=actor, ticket=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Rules may act on %(number)s again.") % {"number": found.number})
    return redirect(present_tickets.url_of(found))
