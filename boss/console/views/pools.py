"""Talent pools: which there are, how each gives out its tickets, who is in it and who is on call."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.pools import MemberForm, NewPoolForm, PersonForm, PoolForm, ShiftForm, SupervisorsForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core.actors import Actor
from boss.core.problems import NotFound, Problem
from boss.tenancy import selectors as tenancy
from boss.tenancy.selectors import list_staff
from ticketing import selectors, staffing
from ticketing.models import PoolMember, TalentPool
from ticketing.services import pools

VIEW = "ticketing.view_talentpool"


@staff(VIEW)
@require_GET
def pool_list(request: HttpRequest) -> HttpResponse:
    """Every pool; those one answers for with their workload."""
    actor = actor_of(request)
    mine = {pool.pk for pool in staffing.supervised(actor)}
    counted = staffing.counts()
    rows = [(pool, *counted.get(pool.pk, (0, 0)), pool.pk in mine) for pool in selectors.list_pools(actor)]
    return page(request, "pools/list.html", {"rows": rows, "may_manage": _manages(actor)}, section="pools")


@staff(pools.MANAGE)
@require_http_methods(["GET", "POST"])
def pool_new(request: HttpRequest) -> HttpResponse:
    form = NewPoolForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                made = pools.create(actor=actor_of(request), **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:pool", made.key)
    return page(request, "pools/new.html", {"form": form}, section="pools", status=status)


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def pool(request: HttpRequest, key: str) -> HttpResponse:
    """Its settings, members, supervisors and rota. Supervisors see it all and change what its people can do."""
    actor = actor_of(request)
    found = _get(actor, key)
    if request.method == "GET":
        return _pool_page(request, found)
    form = _settings_form(actor, found, request.POST)
    if not form.is_valid():
        return _pool_page(request, found, form=form, status=422)
    given = form.cleaned_data
    try:
        pools.configure(
            actor=actor, pool=found, name=given["name"], description=given["description"],
            strategy=given["strategy"], otherwise=given["otherwise"],
            calendar=tenancy.get_calendar(given["calendar"]) if given["calendar"] else None,
            parent=selectors.get_pool(given["parent"]) if given["parent"] else None,
            relax_after=form.patience, absent_after=form.absence, weights=form.weights,
        )  # fmt: skip
    except Problem as problem:
        form.add_problem(problem)
        return _pool_page(request, found, form=form, status=problem.status)
    messages.success(request, _("Kept. What waits is looked at by these rules within a minute."))
    return redirect("console:pool", key)


@staff(VIEW)
@require_http_methods(["GET", "POST"])
def pool_member(request: HttpRequest, key: str, public_id: str) -> HttpResponse:
    """What one member can do, speaks and covers, when he works and how much he takes."""
    actor = actor_of(request)
    found = _get(actor, key)
    member: PoolMember | None = staffing.list_members(found).filter(user__public_id=public_id).first()
    if member is None:
        raise NotFound(member=public_id)
    form = MemberForm(
        request.POST if request.method == "POST" else None, member=member, skills=staffing.list_skills(),
        calendars=_calendars(),
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            chosen = form.cleaned_data["calendar"]
            try:
                pools.change_member(
                    actor=actor, pool=found, user=member.user,
                    calendar=tenancy.get_calendar(chosen) if chosen else None, **form.values,
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:pool", key)
    context = {"pool": found, "member": member, "form": form}
    return page(request, "pools/member.html", context, section="pools", status=status)


@staff(VIEW)
@require_POST
def pool_act(request: HttpRequest, key: str) -> HttpResponse:
    """Add or take out a member, say who supervises, add or take out a shift."""
    actor = actor_of(request)
    found = _get(actor, key)
    what = request.POST.get("what", "")
    people = list_staff(actor)
    try:
        if what == "supervisors":
            chosen = SupervisorsForm(request.POST, people=people, chosen=())
            if not chosen.is_valid():
                return _pool_page(request, found, supervisors_form=chosen, status=422)
            pools.set_supervisors(actor=actor, pool=found, users=chosen.chosen)
        elif what == "add_member":
            added = PersonForm(request.POST, people=people)
            if not added.is_valid():
                return _pool_page(request, found, add_form=added, status=422)
            pools.add_member(actor=actor, pool=found, user=added.person)
        elif what == "remove_member":
            removed = PersonForm(request.POST, people=[each.user for each in staffing.list_members(found)])
            if removed.is_valid():
                pools.remove_member(actor=actor, pool=found, user=removed.person)
        elif what == "remove_shift":
            number = request.POST.get("shift", "")
            pools.remove_shift(actor=actor, pool=found, shift_id=int(number) if number.isdigit() else 0)
        else:
            return _add_shift(request, found)
    except Problem as problem:
        refused(request, problem)
    return redirect("console:pool", key)


def _add_shift(request: HttpRequest, found: TalentPool) -> HttpResponse:
    form = ShiftForm(request.POST, people=[each.user for each in staffing.list_members(found)])
    if not form.is_valid():
        return _pool_page(request, found, shift_form=form, status=422)
    given = form.cleaned_data
    try:
        pools.add_shift(
            actor=actor_of(request), pool=found, user=form.person, starts_at=given["starts_at"],
            ends_at=given["ends_at"],
        )  # fmt: skip
    except Problem as problem:
        form.add_problem(problem)
        return _pool_page(request, found, shift_form=form, status=problem.status)
    return redirect("console:pool", found.key)


def _get(actor: Actor, key: str) -> TalentPool:
    """A pool one answers for: it is not there for others."""
    found = selectors.get_pool(key)
    pools.require_supervision(actor, found)
    return found


def _manages(actor: Actor) -> bool:
    return actor.holds(pools.MANAGE)


def _calendars() -> list[tuple[str, str]]:
    return [(calendar.key, calendar.name) for calendar in tenancy.list_calendars()]


def _settings_form(actor: Actor, found: TalentPool, *told: Any) -> PoolForm:
    others = [each for each in selectors.names_of_all_pools() if each[0] != found.key]
    categories = selectors.list_categories(actor)
    return PoolForm(*told, pool=found, calendars=_calendars(), pools=others, categories=categories)


def _pool_page(request: HttpRequest, found: TalentPool, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    members = list(staffing.list_members(found))
    names = staffing.names_of_skills()
    context: dict[str, Any] = {
        "pool": found,
        "members": [
            (each, [(names.get(key, key), level) for key, level in sorted(each.skills.items())]) for each in members
        ],
        "supervisors": staffing.supervisors(found),
        "shifts": list(staffing.list_shifts(found)),
        "on_call": staffing.on_call_now(found),
        "may_manage": _manages(actor),
        "shift_form": ShiftForm(people=[each.user for each in members]),
    }
    if context["may_manage"]:
        people = list_staff(actor)
        inside = {each.user_id for each in members}
        context["form"] = _settings_form(actor, found)
        context["add_form"] = PersonForm(people=[user for user in people if user.pk not in inside])
        context["supervisors_form"] = SupervisorsForm(people=people, chosen=context["supervisors"])
    return page(request, "pools/pool.html", context | forms, section="pools", status=status)
