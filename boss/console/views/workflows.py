"""Workflow definitions: the list, one with its versions, the difference of two, and the drawn editor of a draft."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.i18n import JavaScriptCatalog

from boss.console.forms.workflows import ImportForm, NewWorkflowForm, StartForm
from boss.console.frame import actor_of, page, refused, staff
from boss.console.presenters import definitions as present
from boss.console.presenters import runs as present_runs
from boss.core.problems import NotFound, Problem
from boss.look import once
from ticketing import selectors as desk
from workflow import documents, selectors
from workflow.engine import graphs
from workflow.errors import DraftExists
from workflow.models import Definition
from workflow.services import definitions, drafts, runs


@staff("workflow.view_definition")
@require_GET
def workflow_list(request: HttpRequest) -> HttpResponse:
    """All definitions and all drafts of the realm: some dozens, so on one page."""
    actor = actor_of(request)
    archived = request.GET.get("archived") == "yes"
    known = list(selectors.list_definitions(actor).defer("current__document"))
    rows = present.rows(
        [definition for definition in known if definition.is_archived == archived],
        list(selectors.list_drafts(actor).defer("document")),
        selectors.count_open_runs(known),
        # A draft of something archived stands beside it, on the other page.
        published=None if archived else {definition.key for definition in known},
    )
    context = {
        "rows": rows,
        "archived": archived,
        "may_publish": actor.holds("workflow.publish_definition"),
        "may_limit": actor.holds("workflow.view_limit"),
        "may_calendar": actor.holds("tenancy.change_calendar"),
    }
    return page(request, "workflows/list.html", context, section="workflows")


@staff("workflow.publish_definition")
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """A workflow drawn from nothing."""
    form = NewWorkflowForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                name = {field: form.cleaned_data[field] for field in ("key", "title")}
                draft = drafts.create(actor=actor_of(request), **name, document={**name, "tasks": []})
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:workflow_draft", draft.public_id)
    context = {"form": form, "heading": _("New workflow"), "button": _("Draw it")}
    return page(request, "workflows/new.html", context, section="workflows", status=status)


@staff("workflow.publish_definition")
@require_http_methods(["GET", "POST"])
def import_yaml(request: HttpRequest) -> HttpResponse:
    """A definition from elsewhere becomes a draft: it is looked at and checked before anything runs on it."""
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                document = documents.from_yaml(form.cleaned_data["yaml"])
                if not isinstance(document, dict):
                    raise documents.Unreadable(_("A definition is an object with key, title and tasks."))
                key, title = str(document.get("key") or ""), str(document.get("title") or document.get("key") or "")
                draft = drafts.create(actor=actor_of(request), key=key, title=title[:160], document=document)
            except documents.Unreadable as error:
                form.add_error("yaml", str(error))
            except DraftExists as problem:
                form.add_error(None, _("%(problem)s Discard it first.") % {"problem": problem})
                status = problem.status
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:workflow_draft", draft.public_id)
    context = {"form": form, "heading": _("Import a workflow"), "button": _("Import as a draft")}
    return page(request, "workflows/new.html", context, section="workflows", status=status)


@staff("workflow.view_definition")
@require_GET
def workflow(request: HttpRequest, public_id: str) -> HttpResponse:
    """A definition: one version drawn (``?version=``, else the current one), all versions, starting a run by hand."""
    return _workflow_page(request, selectors.get_definition(actor_of(request), public_id))


def _workflow_page(
    request: HttpRequest, definition: Definition, *, status: int = 200, start_form: StartForm | None = None
) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.list_versions(definition).defer("document")
    versions = present.versions(definition, found, selectors.count_open_runs_by_version(definition))
    wanted = request.GET.get("version", "")
    shown = next((one for one in versions if str(one.number) == wanted or (not wanted and one.is_current)), None)
    if shown is None:
        raise NotFound
    pools = dict(desk.list_pools(actor).values_list("key", "name"))
    document = selectors.get_version(definition, shown.number).document
    may_start = actor.holds("workflow.start_run") and not definition.is_archived
    if start_form is None and may_start and definition.current_id is not None:
        start_form = StartForm(graph=graphs.of_version(actor.realm_id, definition.current_id))
    context = {
        "definition": definition,
        "description": document.get("description", ""),
        "versions": versions,
        "shown": shown,
        "plan": present.plan_of(document, pools),
        "inputs": present.inputs_of(document),
        "draft": selectors.list_drafts(actor).filter(key=definition.key).first(),
        "export_url": f"{present.export_url(definition.public_id)}?version={shown.number}",
        "may_publish": actor.holds("workflow.publish_definition"),
        "may_sell": actor.holds("catalog.publish_plan"),
        "start_form": start_form,
        "current_mark": present.CURRENT,
        "archived_mark": present.ARCHIVED,
    }
    return page(request, "workflows/workflow.html", context, section="workflows", status=status)


@staff("workflow.view_definitionversion")
@require_GET
def difference(request: HttpRequest, public_id: str) -> HttpResponse:
    """What changed from one version to another, task by task."""
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    numbers = sorted(selectors.list_versions(definition).values_list("number", flat=True))
    current = definition.current.number if definition.current else numbers[-1]
    after = _number(request.GET.get("to"), numbers, current)
    before = _number(request.GET.get("from"), numbers, max([n for n in numbers if n < after], default=after))
    found = definitions.difference(actor=actor, definition=definition, before=before, after=after)
    titles = present.titles_of(selectors.get_version(definition, before).document)
    titles |= present.titles_of(selectors.get_version(definition, after).document)
    context = {
        "definition": definition,
        "numbers": numbers,
        "before": before,
        "after": after,
        "same": not found,
        "groups": present.groups(found, titles),
    }
    return page(request, "workflows/diff.html", context, section="workflows")


def _number(given: str | None, known: list[int], default: int) -> int:
    if given is None:
        return default
    if given.isdecimal() and int(given) in known:
        return int(given)
    raise NotFound


@staff("workflow.start_run")
@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Start a run by hand with the inputs of the current version."""
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    if definition.current_id is None:
        raise NotFound
    form = StartForm(request.POST, graph=graphs.of_version(actor.realm_id, definition.current_id))
    if not form.is_valid():
        return _workflow_page(request, definition, status=422, start_form=form)
    try:
        with once.claimed(actor, form.cleaned_data["once"]) as is_first:
            if not is_first:
                return redirect("console:runs")
            run = runs.start_by_hand(actor=actor, definition_key=definition.key, inputs=form.inputs)
    except Problem as problem:
        form.add_problem(problem)
        return _workflow_page(request, definition, status=problem.status, start_form=form)
    messages.success(request, _("The run has begun."))
    return redirect(present_runs.url_of(run))


@staff("workflow.publish_definition")
@require_POST
def roll_back(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    number = request.POST.get("number", "")
    try:
        definitions.roll_back(actor=actor, definition=definition, number=int(number) if number.isdecimal() else 0)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("New runs start on version %(n)s again.") % {"n": number})
    return redirect(present.url_of(definition.public_id))


@staff("workflow.publish_definition")
@require_POST
def archive(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    try:
        definitions.archive(actor=actor, definition=definition)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Archived: no new runs start on it; those under way go on."))
    return redirect(present.url_of(definition.public_id))


@staff("workflow.publish_definition")
@require_POST
def restore(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    try:
        definitions.restore(actor=actor, definition=definition)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("New runs can start on it again."))
    return redirect(present.url_of(definition.public_id))


@staff("workflow.publish_definition")
@require_POST
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Open the definition's draft; begin one from the current version if there is none."""
    actor = actor_of(request)
    definition = selectors.get_definition(actor, public_id)
    draft = selectors.list_drafts(actor).filter(key=definition.key).first()
    if draft is None:
        try:
            draft = drafts.create(actor=actor, key=definition.key, title=definition.title)
        except Problem as problem:
            # Somebody has begun one at the same moment, or may not.
            refused(request, problem)
            return redirect(present.url_of(definition.public_id))
    return redirect("console:workflow_draft", draft.public_id)


@staff("workflow.view_definitiondraft")
@require_GET
def draft(request: HttpRequest, public_id: str) -> HttpResponse:
    """The drawn editor; on a phone the same draft to be read."""
    actor = actor_of(request)
    found = selectors.get_draft(actor, public_id)
    published = selectors.list_definitions(actor).filter(key=found.key).first()
    known = published.current.document if published is not None and published.current else {"tasks": []}
    context = {
        "draft": found,
        "plan": present.plan_of(found.document, dict(desk.list_pools(actor).values_list("key", "name"))),
        "published": [task["key"] for task in known["tasks"]],
        "definition": published,
        "may_publish": actor.holds("workflow.publish_definition"),
    }
    return page(request, "workflows/editor.html", context, section="workflows")


@staff("workflow.view_definition")
@require_GET
def words(request: HttpRequest) -> HttpResponse:
    """The texts of the editor in the reader's language."""
    return cast(HttpResponse, JavaScriptCatalog.as_view(packages=["boss.console"])(request))
