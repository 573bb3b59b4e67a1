"""The provider's skills, and what tickets of each category ask for."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.pools import NeedForm, SkillForm, need_words
from boss.console.frame import actor_of, page, refused, staff
from boss.core.problems import Problem
from ticketing import selectors, staffing
from ticketing.services import skills

MANAGE = staffing.MANAGE


@staff(MANAGE)
@require_GET
def skill_list(request: HttpRequest) -> HttpResponse:
    return _skills_page(request)


@staff(MANAGE)
@require_POST
def skill_act(request: HttpRequest) -> HttpResponse:
    """Put a skill on the list or take it off; let a category ask for something, or no more."""
    actor, what = actor_of(request), request.POST.get("what", "")
    found = {skill.key: skill for skill in staffing.list_skills()}
    if what == "define":
        form = SkillForm(request.POST)
        if not form.is_valid():
            return _skills_page(request, skill_form=form, status=422)
        try:
            skills.define(actor=actor, **form.cleaned_data)
        except Problem as problem:
            form.add_problem(problem)
            return _skills_page(request, skill_form=form, status=problem.status)
        return redirect("console:skills")
    if what == "ask":
        return _ask(request)
    try:
        if what == "archive" and (skill := found.get(request.POST.get("skill", ""))) is not None:
            skills.archive(actor=actor, skill=skill)
        elif what == "ask_no_more":
            number = request.POST.get("need", "")
            skills.ask_no_more(actor=actor, need_id=int(number) if number.isdigit() else 0)
    except Problem as problem:
        refused(request, problem)
    return redirect("console:skills")


def _ask(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    known = {skill.key: skill for skill in staffing.list_skills()}
    form = NeedForm(request.POST, categories=selectors.list_categories(actor), skills=known.values())
    if not form.is_valid():
        return _skills_page(request, need_form=form, status=422)
    given = dict(form.cleaned_data)
    category = selectors.get_category(actor, given.pop("category"))
    try:
        skills.ask(actor=actor, category=category, **{**given, "skill": known.get(given["skill"])})
    except Problem as problem:
        form.add_problem(problem)
        return _skills_page(request, need_form=form, status=problem.status)
    messages.success(request, _("Tickets of %(category)s ask for it from now on.") % {"category": category.name})
    return redirect("console:skills")


def _skills_page(request: HttpRequest, *, status: int = 200, **forms: Any) -> HttpResponse:
    known = staffing.list_skills()
    context = {
        "skills": known,
        "needs": [(need, need_words(need)) for need in staffing.list_needs()],
        "skill_form": SkillForm(),
        "need_form": NeedForm(categories=selectors.list_categories(actor_of(request)), skills=known),
    }
    return page(request, "pools/skills.html", context | forms, section="pools", status=status)
