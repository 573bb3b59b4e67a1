"""Ticket categories: their fields and statuses as a draft, looked at as others see it, tried out, published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.categories import CategoryForm, FieldForm, StatusForm, key_of
from boss.console.frame import actor_of, fragment, page, staff
from boss.console.presenters import categories as present
from boss.core import schema
from boss.core.problems import InvalidInput, Problem
from boss.look.forms import BossForm
from ticketing import desk, selectors
from ticketing import fields as field_defs
from ticketing import statuses as status_defs
from ticketing.choices import Priority, TicketState
from ticketing.fields import FieldDef, Situation, Viewer
from ticketing.models import Category, TalentPool
from ticketing.services import categories, drafts, pools, versions
from ticketing.statuses import StatusDef

MANAGE = "ticketing.manage_categories"
SECTION = "categories"


@dataclass(frozen=True, slots=True)
class Working:
    """What is being edited: the draft, or what is published where there is none (``revision`` 0)."""

    fields: list[FieldDef]
    statuses: list[StatusDef]
    revision: int
    faults: dict[str, list[str]]

    @property
    def words(self) -> dict[str, str]:
        return {status.key: status.label for status in status_defs.effective(self.statuses)}


def _working(category: Category) -> Working:
    held = selectors.find_draft(category) or selectors.find_schema(category)
    if held is None:
        return Working([], [], 0, {})
    fields, statuses, faults = versions.judged(held.characteristics, held.statuses, category)
    return Working(fields, statuses, getattr(held, "revision", 0), faults)


@staff(MANAGE)
@require_GET
def category_list(request: HttpRequest) -> HttpResponse:
    """The tree of categories, those that are archived at the end."""
    found = list(selectors.list_all_categories(actor_of(request)))
    below: dict[int | None, list[Category]] = {}
    for each in found:
        below.setdefault(each.parent_id, []).append(each)
    rows = [(each, child) for each in below.get(None, []) for child in (None, *below.get(each.pk, []))]
    shown = [{"category": child or each, "is_child": child is not None} for each, child in rows]
    shown.sort(key=lambda row: row["category"].is_archived)  # type: ignore[attr-defined]
    return page(request, "categories/list.html", {"rows": shown}, section=SECTION)


@staff(MANAGE)
@require_http_methods(["GET", "POST"])
def category_new(request: HttpRequest) -> HttpResponse:
    return _settings(request, None)


@staff(MANAGE)
@require_http_methods(["GET", "POST"])
def category_settings(request: HttpRequest, key: str) -> HttpResponse:
    """What is not versioned: name, pool, targets, who may use it."""
    return _settings(request, selectors.get_category(actor_of(request), key))


def _settings(request: HttpRequest, found: Category | None) -> HttpResponse:
    actor = actor_of(request)
    every = list(selectors.list_all_categories(actor))
    parents = {one.key: one for one in every if one.parent_id is None and not one.is_archived and one != found}
    known = {pool.key: pool for pool in selectors.list_pools(actor)}
    initial = _initial(found) if found else {"priority": Priority.NORMAL}
    form = CategoryForm(
        request.POST if request.method == "POST" else None,
        pools=known.values(), parents=parents.values(), is_new=found is None, initial=initial,
        languages=_others(request),
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                kept = _keep(request, found, form, parents, known)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept."))
                return redirect("console:category", kept.key)
    return page(request, "categories/settings.html", {"category": found, "form": form}, section=SECTION, status=status)


def _keep(
    request: HttpRequest,
    found: Category | None,
    form: CategoryForm,
    parents: dict[str, Category],
    known: dict[str, TalentPool],
) -> Category:
    actor, typed = actor_of(request), form.cleaned_data
    pool = known.get(typed["default_pool"])
    if typed["new_pool"]:
        pool = pools.create(actor=actor, key=key_of(typed["new_pool"]).replace("_", "-"), name=typed["new_pool"])
    given = {
        "name": typed["name"], "names": form.names, "kind": typed["kind"],
        "parent": parents.get(typed["parent"]), "default_pool": pool,
        "priority": typed["priority"], "number_prefix": typed["number_prefix"],
        "portal_visible": typed["portal_visible"],
        "first_reply_target": _span(typed["first_reply"]), "resolve_target": _span(typed["resolve"]),
    }  # fmt: skip
    if found is None:
        key = typed["key"] or key_of(typed["name"]).replace("_", "-")
        return categories.create(actor=actor, key=key, **given)
    return categories.change(actor=actor, category=found, **given)


def _others(request: HttpRequest) -> list[str]:
    """The realm's languages beside its first."""
    return desk.languages_of(actor_of(request).realm_id)[1:]


def _span(seconds: int | None) -> dt.timedelta | None:
    return None if seconds is None else dt.timedelta(seconds=seconds)


def _initial(found: Category) -> dict[str, Any]:
    def seconds(span: dt.timedelta | None) -> int | None:
        return None if span is None else round(span.total_seconds())

    return {
        "name": found.name, **{f"name.{tag}": name for tag, name in found.names.items()},
        "kind": found.kind, "parent": found.parent.key if found.parent else "",
        "default_pool": found.default_pool.key if found.default_pool else "", "priority": found.priority,
        "number_prefix": found.number_prefix, "portal_visible": found.portal_visible,
        "first_reply": seconds(found.first_reply_target), "resolve": seconds(found.resolve_target),
    }  # fmt: skip


@staff(MANAGE)
@require_GET
def category(request: HttpRequest, key: str) -> HttpResponse:
    """The editor. ``?try=1`` shows what publishing the draft would mean for recent tickets."""
    actor = actor_of(request)
    found = selectors.get_category(actor, key)
    working = _working(found)
    tried = "try" in request.GET
    every = [text for texts in working.faults.values() for text in texts]
    context = {
        "category": found,
        "draft": selectors.find_draft(found),
        "working": working,
        "rows": present.field_rows(working.fields, working.faults, working.words),
        "statuses": [
            {"status": one, "own": one in working.statuses, "state": TicketState(one.state).label,
             "faults": present.faults_at(working.faults, f"statuses.{one.key}")}
            for one in status_defs.effective(working.statuses)
        ],
        "faults": every,
        "tried": tried,
        "effects": drafts.dry_run(actor=actor, category=found) if tried else [],
        "points": held.points() if (held := selectors.find_draft(found) or selectors.find_schema(found)) else [],
        "versions": selectors.list_schemas(found),
        "preview": _preview(request, working, found),
    }  # fmt: skip
    return page(request, "categories/category.html", context, section=SECTION)


@staff(MANAGE)
@require_GET
def category_preview(request: HttpRequest, key: str) -> HttpResponse:
    """The form as somebody else would see it, with what was answered in it so far."""
    found = selectors.get_category(actor_of(request), key)
    preview = _preview(request, _working(found), found)
    return fragment(request, "categories/preview.html", {"category": found, "preview": preview})


def _preview(request: HttpRequest, working: Working, found: Category) -> dict[str, Any]:
    role = request.GET.get("as", "staff")
    role = role if role in present.ROLES else "staff"
    pools_of_all = frozenset(pool for field in working.fields for pool in field.pools)
    viewer = Viewer(role, pools_of_all)  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for field in working.fields:
        if not field.is_given:
            continue
        widget = schema.form_fields([field])[field.key].widget
        raw = widget.value_from_datadict(request.GET, request.FILES, f"data.{field.key}")  # type: ignore[arg-type]
        try:
            values |= schema.validate([field], {field.key: raw})
        except InvalidInput:
            continue
    first = status_defs.first_of(status_defs.effective(working.statuses), TicketState.NEW)
    at = Situation(first.key, first.state)
    asked = field_defs.asked(working.fields, values, viewer, at)
    form = BossForm(initial={f"data.{key}": value for key, value in values.items()}, prefix=None)
    form.auto_id = "preview_%s"
    for name, box in schema.form_fields([field for field in asked if field.is_given], values).items():
        form.fields[f"data.{name}"] = box
    lines = [(field, form[f"data.{field.key}"] if field.is_given else None) for field in asked]
    read = [
        field.title
        for field in field_defs.shown(working.fields, values, viewer, at)
        if field not in asked and field.type != "section"
    ]
    offered = role == "staff" or found.portal_visible
    return {"role": role, "roles": present.ROLES, "lines": lines, "read": read, "offered": offered}


@staff(MANAGE)
@require_http_methods(["GET", "POST"])
def category_field(request: HttpRequest, key: str) -> HttpResponse:
    """A field of the draft: a new one, or the one that ``?field=`` names."""
    actor = actor_of(request)
    found = selectors.get_category(actor, key)
    working = _working(found)
    keys = [field.key for field in working.fields]
    wanted = request.GET.get("field", "")
    place = keys.index(wanted) if wanted in keys else len(keys)
    former = working.fields[place] if place < len(keys) else None
    form = FieldForm(
        request.POST if request.method == "POST" else None,
        above=working.fields[:place], statuses=status_defs.effective(working.statuses),
        pools=selectors.list_pools(actor), field=former, languages=_others(request),
    )  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            if former is None and form.made.key in keys:
                form.add_error("key", _("A field has this key already."))
            else:
                edited = [*working.fields[:place], form.made, *working.fields[place + 1 :]]
                if _saved(request, found, form, fields=edited):
                    return redirect("console:category", found.key)
                status = 409
    context = {"category": found, "form": form, "former": former, "revision": working.revision}
    return page(request, "categories/field.html", context, section=SECTION, status=status)


@staff(MANAGE)
@require_http_methods(["GET", "POST"])
def category_status(request: HttpRequest, key: str) -> HttpResponse:
    """A status of the draft: a new one, or the one that ``?status=`` names; a standard one becomes the category's."""
    found = selectors.get_category(actor_of(request), key)
    working = _working(found)
    known = status_defs.effective(working.statuses)
    former = status_defs.find(known, request.GET.get("status", ""))
    form = StatusForm(
        request.POST if request.method == "POST" else None,
        statuses=known,
        asked=working.fields,
        status=former,
        languages=_others(request),
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            made = form.status()
            if former is None and made.key in working.words:
                form.add_error("key", _("A status has this key already."))
            else:
                others = [one for one in working.statuses if one.key != made.key]
                place = next((n for n, one in enumerate(working.statuses) if one.key == made.key), len(others))
                if _saved(request, found, form, statuses=[*others[:place], made, *others[place:]]):
                    return redirect("console:category", found.key)
                status = 409
    context = {"category": found, "form": form, "former": former, "revision": working.revision}
    return page(request, "categories/status.html", context, section=SECTION, status=status)


def _saved(request: HttpRequest, found: Category, form: BossForm, **changed: Any) -> bool:
    try:
        drafts.save(actor=actor_of(request), category=found, revision=_revision(request), **changed)
    except Problem as problem:
        form.add_problem(problem)
        return False
    messages.success(request, _("Kept in the draft."))
    return True


def _revision(request: HttpRequest) -> int | None:
    told = request.POST.get("revision", "")
    return int(told) if told.isdecimal() and len(told) < 10 else None


@staff(MANAGE)
@require_POST
def category_act(request: HttpRequest, key: str) -> HttpResponse:
    """One button of the editor: ``do`` says which, ``field`` or ``status`` on what."""
    actor = actor_of(request)
    found = selectors.get_category(actor, key)
    do = request.POST.get("do", "")
    told = _("Kept in the draft.")
    try:
        if do == "publish":
            made = drafts.publish(
                actor=actor, category=found, revision=_revision(request), note=request.POST.get("note", "")[:500]
            )
            told = _("Version %(n)s is in use.") % {"n": made.version}
        elif do == "discard":
            drafts.discard(actor=actor, category=found)
            told = _("The draft is gone. What was published stays.")
        elif do == "revert":
            wanted = request.POST.get("version", "")
            number = int(wanted) if wanted.isdecimal() and len(wanted) < 10 else 0
            made = categories.revert(actor=actor, category=found, version=number)
            told = _("Version %(n)s is in use, as version %(old)s was.") % {"n": made.version, "old": number}
        elif do in ("up", "down", "remove", "archive", "restore"):
            _arrange(request, found, do)
        elif do in ("archive_category", "restore_category"):
            change = categories.archive if do == "archive_category" else categories.restore
            change(actor=actor, category=found)
            told = _("It is offered no longer.") if do == "archive_category" else _("It is offered again.")
        else:
            raise InvalidInput(_("There is no such button."))
    except Problem as problem:
        messages.error(request, _in_words(problem))
    else:
        messages.success(request, told)
    return redirect("console:category", found.key)


def _in_words(problem: Problem) -> str:
    said = [text for texts in problem.fields.values() for text in texts]
    return " ".join([str(problem), *said])


def _arrange(request: HttpRequest, found: Category, do: str) -> None:
    working = _working(found)
    kind = "status" if "status" in request.POST else "field"
    every: list[Any] = list(working.statuses if kind == "status" else working.fields)
    place = next((n for n, one in enumerate(every) if one.key == request.POST.get(kind)), None)
    if place is None:
        raise InvalidInput(_("It is not in the draft any more."))
    one = every.pop(place)
    if do in ("archive", "restore"):
        if kind != "field":
            raise InvalidInput(_("There is no such button."))
        every.insert(place, replace(one, archived=do == "archive"))
    elif do != "remove":
        every.insert(max(0, place - 1) if do == "up" else place + 1, one)
    changed = {"statuses": every} if kind == "status" else {"fields": every}
    drafts.save(actor=actor_of(request), category=found, revision=_revision(request), **changed)
