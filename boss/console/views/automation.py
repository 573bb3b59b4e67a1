"""Scripts with their versions, and the endpoints they may call."""

from __future__ import annotations

import difflib
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.automation import selectors
from boss.automation.kinds import KINDS
from boss.automation.models import Endpoint, Script, ScriptVersion
from boss.automation.services import endpoints, scripts
from boss.automation.tasks import KNOWN
from boss.console.forms.automation import EndpointForm, KindForm, NewScriptForm, TryForm, VersionForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core.problems import NotFound, Problem

_SECTION = "scripts"


@staff("automation.view_script")
@require_GET
def script_list(request: HttpRequest) -> HttpResponse:
    """All scripts of the realm, and whether the machines that work can confine one."""
    actor = actor_of(request)
    known: dict[str, tuple[bool, str]] = cache.get(KNOWN) or {}
    context = {
        "scripts": list(selectors.list_scripts(actor).order_by("is_archived", "key")),
        "machines": sorted((name, works, why) for name, (works, why) in known.items()),
        "may_edit": actor.holds("automation.edit_script"),
        "may_see_endpoints": actor.holds("automation.view_endpoint"),
    }
    return page(request, "automation/scripts.html", context, section=_SECTION)


@staff("automation.edit_script")
@require_http_methods(["GET", "POST"])
def new_script(request: HttpRequest) -> HttpResponse:
    form = NewScriptForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                script = scripts.create(actor=actor_of(request), **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:script_edit", script.public_id)
    context = {"form": form, "heading": _("New script"), "button": _("Write it"), "back": "console:scripts"}
    return page(request, "automation/form.html", context, section=_SECTION, status=status)


@staff("automation.view_script")
@require_GET
def script(request: HttpRequest, public_id: str) -> HttpResponse:
    """One version (``?version=``, else the current or latest one), its difference to another, trying, publishing."""
    return _script_page(request, selectors.get_script(actor_of(request), public_id))


def _script_page(
    request: HttpRequest, script: Script, *, status: int = 200, form: TryForm | None = None, result: Any = None
) -> HttpResponse:
    actor = actor_of(request)
    versions = list(selectors.list_versions(script))
    shown = _chosen(versions, request.POST.get("number") or request.GET.get("version"), script)
    before = next((one for one in versions if shown is not None and one.number == shown.number - 1), None)
    mine = shown is not None and shown.writer == scripts.person(actor)
    may_edit = actor.holds("automation.edit_script")
    context = {
        "script": script,
        "versions": versions,
        "shown": shown,
        "difference": _difference(before, shown) if before is not None and shown is not None else [],
        "may_edit": may_edit,
        "may_publish": actor.holds("automation.publish_script"),
        "is_mine": mine,
        "is_current": shown is not None and shown.pk == script.current_id and not script.is_archived,
        "try_form": form or (TryForm(initial={"number": shown.number, "inputs": {}}) if shown and may_edit else None),
        "result": result,
    }
    return page(request, "automation/script.html", context, section=_SECTION, status=status)


def _chosen(versions: list[ScriptVersion], wanted: str | None, script: Script) -> ScriptVersion | None:
    if wanted:
        found = next((one for one in versions if str(one.number) == wanted), None)
        if found is None:
            raise NotFound
        return found
    current = next((one for one in versions if one.pk == script.current_id), None)
    return current or (versions[0] if versions else None)


def _difference(before: ScriptVersion, after: ScriptVersion) -> list[tuple[str, str]]:
    """Lines of the unified difference with what each is: added, removed, place or kept."""
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = difflib.unified_diff(before.source.splitlines(), after.source.splitlines(), lineterm="", n=3)
    return [(line, kinds.get(line[:1], "kept")) for line in list(lines)[2:]]


@staff("automation.edit_script")
@require_http_methods(["GET", "POST"])
def edit_script(request: HttpRequest, public_id: str) -> HttpResponse:
    """A new version, begun from the latest one."""
    actor = actor_of(request)
    script = selectors.get_script(actor, public_id)
    latest = selectors.list_versions(script).first()
    names = [
        (one.key, f"{one.title} ({one.get_kind_display()})")
        for one in selectors.list_endpoints(actor).filter(enabled=True).order_by("key")
    ]
    if request.method == "POST":
        form = VersionForm(request.POST, endpoints=names)
        status = 422
        if form.is_valid():
            try:
                version = scripts.propose(actor=actor, script=script, **form.cleaned_data)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(
                    request, _("Version %(n)s is written. A second person publishes it.") % {"n": version.number}
                )
                return redirect(f"{request.path.removesuffix('edit/')}?version={version.number}")
    else:
        status = 200
        initial = VersionForm.first() if latest is None else {
            name: getattr(latest, name) for name in VersionForm.base_fields if name != "note"
        }  # fmt: skip
        form = VersionForm(initial=initial, endpoints=names)
    context = {"script": script, "form": form}
    return page(request, "automation/edit.html", context, section=_SECTION, status=status)


@staff("automation.edit_script")
@require_POST
def try_script(request: HttpRequest, public_id: str) -> HttpResponse:
    """Run a version with sample inputs and show what came of it; nothing is called and nothing kept."""
    actor = actor_of(request)
    script = selectors.get_script(actor, public_id)
    form, result, status = TryForm(request.POST), None, 422
    if form.is_valid():
        version = selectors.get_version(script, form.cleaned_data["number"])
        try:
            result = scripts.try_out(actor=actor, version=version, inputs=form.cleaned_data["inputs"])
            status = 200
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status
    return _script_page(request, script, status=status, form=form, result=result)


@staff("automation.publish_script")
@require_POST
def publish_script(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    script = selectors.get_script(actor, public_id)
    number = request.POST.get("number", "")
    if not number.isascii() or not number.isdigit() or len(number) > 6:
        raise NotFound
    try:
        scripts.publish(actor=actor, script=script, number=int(number))
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("Version %(n)s is published.") % {"n": number})
    return redirect("console:script", script.public_id)


@staff("automation.publish_script")
@require_POST
def archive_script(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    script = selectors.get_script(actor, public_id)
    scripts.archive(actor=actor, script=script)
    messages.success(request, _("No task runs it any more. Publishing a version brings it back."))
    return redirect("console:script", script.public_id)


# Endpoints


@staff("automation.view_endpoint")
@require_GET
def endpoint_list(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    context = {
        "endpoints": list(selectors.list_endpoints(actor).order_by("key")),
        "may_manage": actor.holds("automation.manage_endpoints"),
        "kind_form": KindForm(),
        "may_see_scripts": actor.holds("automation.view_script"),
    }
    return page(request, "automation/endpoints.html", context, section=_SECTION)


@staff("automation.manage_endpoints")
@require_http_methods(["GET", "POST"])
def new_endpoint(request: HttpRequest) -> HttpResponse:
    """An endpoint of the kind in ``?kind=``."""
    kind = KINDS.get(request.GET.get("kind", "http"))
    if kind is None:
        raise NotFound
    form = EndpointForm(request.POST if request.method == "POST" else None, kind=kind, is_new=True)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = {name: form.cleaned_data[name] for name in ("key", "title", "deadline_seconds")}
            try:
                made = endpoints.create(
                    actor=actor_of(request), kind=kind.key, settings=form.given("settings"),
                    secrets=form.given("secrets"), **given,
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect("console:endpoint", made.public_id)
    heading = _("New endpoint: %(kind)s") % {"kind": kind.title}
    context = {"form": form, "heading": heading, "button": _("Set it up"), "back": "console:endpoints"}
    return page(request, "automation/form.html", context, section=_SECTION, status=status)


@staff("automation.view_endpoint")
@require_http_methods(["GET", "POST"])
def endpoint(request: HttpRequest, public_id: str) -> HttpResponse:
    """Its settings (changed by who may), its latest calls, its test button. Secrets go in only."""
    actor = actor_of(request)
    found = selectors.get_endpoint(actor, public_id)
    may_manage = actor.holds("automation.manage_endpoints")
    initial = {
        "title": found.title, "settings": found.settings, "deadline_seconds": found.deadline_seconds,
        "enabled": found.enabled,
    }  # fmt: skip
    kind, status = KINDS[found.kind], 200
    form = EndpointForm(kind=kind, is_new=False, initial=initial) if may_manage else None
    if request.method == "POST":
        form, status = EndpointForm(request.POST, kind=kind, is_new=False, initial=initial), 422
        if form.is_valid():
            try:
                endpoints.change(
                    actor=actor, endpoint=found, settings=form.given("settings"), secrets=form.given("secrets"),
                    title=form.cleaned_data["title"], deadline_seconds=form.cleaned_data["deadline_seconds"],
                    enabled=form.cleaned_data["enabled"],
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("%(endpoint)s is changed.") % {"endpoint": found.title})
                return redirect("console:endpoint", found.public_id)
    context = {
        "endpoint": found,
        "form": form,
        "rows": [(item.title, found.settings.get(item.key, "")) for item in kind.settings],
        "calls": selectors.latest_calls(found),
        "may_manage": may_manage,
    }
    return page(request, "automation/endpoint.html", context, section=_SECTION, status=status)


@staff("automation.manage_endpoints")
@require_POST
def test_endpoint(request: HttpRequest, public_id: str) -> HttpResponse:
    """Ask it one harmless question and say what came back."""
    actor = actor_of(request)
    found: Endpoint = selectors.get_endpoint(actor, public_id)
    answered, words = endpoints.try_out(actor=actor, endpoint=found)
    (messages.success if answered else messages.error)(request, words)
    return redirect("console:endpoint", found.public_id)
