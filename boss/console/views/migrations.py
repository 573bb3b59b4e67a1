"""Moving services from one server to another: what it would do, the word to do it, how far it is, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.migrations import MigrationForm
from boss.console.frame import actor_of, fragment, page, picked, refused, staff
from boss.console.presenters import migrations as present
from boss.core.problems import NotFound, Problem
from boss.look.pages import newest_first
from ipservices import selectors
from ipservices.models import Migration, Service
from ipservices.services import migrating


@staff("ipservices.view_migration")
@require_GET
def migration_list(request: HttpRequest) -> HttpResponse:
    """Migrations, newest first."""
    actor = actor_of(request)
    rows = selectors.list_migrations(actor)
    context = {
        "page": newest_first(rows, request.GET.get("after", "")).map(present.row),
        "query": "",
        "may_begin": actor.holds("ipservices.manage_bindings"),
    }
    return page(request, "services/migrations.html", context, section="practice")


@staff("ipservices.manage_bindings")
@require_http_methods(["GET", "POST"])
def new_migration(request: HttpRequest) -> HttpResponse:
    """From where to where; sending it only looks what it would do."""
    actor = actor_of(request)
    servers = {binding.public_id: binding for binding in selectors.list_bindings(actor)}
    choices = [(key, binding.name) for key, binding in servers.items()]
    form = MigrationForm(request.POST if request.method == "POST" else None, servers=choices, initial={
        "source": picked(request, "source", servers), "batch_size": 100, "pause_seconds": 0,
    })  # fmt: skip
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = dict(form.cleaned_data)
            source, target = (servers[given.pop(end)] for end in ("source", "target"))
            try:
                made = migrating.prepare(actor=actor, source=source, target=target, **given)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect(present.url_of(made))
    return page(request, "services/migration_new.html", {"form": form}, section="practice", status=status)


@staff("ipservices.view_migration")
@require_GET
def migration(request: HttpRequest, public_id: str) -> HttpResponse:
    """What it would do, then how far it is. Asks for itself while workers are at it; 204 when nothing changed."""
    actor = actor_of(request)
    found = selectors.get_migration(actor, public_id)
    progress = present.progress(found)
    if "live" in request.GET and request.GET.get("seen") == progress.seen and progress.is_live:
        return HttpResponse(status=204)
    wanted = {"state": picked(request, "state", present.MOVE)}
    rows = selectors.list_moves(found)
    if wanted["state"]:
        rows = rows.filter(state=wanted["state"])
    context = {
        "migration": found,
        "row": present.row(found),
        "luggage": present.luggage_of(found),
        "progress": progress,
        "may": actor.holds("ipservices.manage_bindings"),
        "page": newest_first(rows, request.GET.get("after", ""), size=25).map(present.move_row),
        "wanted": wanted,
        "query": urlencode(wanted),
        "states": [(key, known.word) for key, known in present.MOVE.items()],
    }
    if "live" in request.GET:
        return fragment(request, "services/migration_live.html", context)
    return page(request, "services/migration.html", context, section="practice")


@staff("ipservices.manage_bindings")
@require_POST
def act(request: HttpRequest, public_id: str) -> HttpResponse:
    """One of the buttons: start, pause, end, try again, roll back."""
    actor = actor_of(request)
    found = selectors.get_migration(actor, public_id)
    verb = _VERBS.get(request.POST.get("verb", ""))
    if verb is None:
        messages.error(request, _("Choose what is to be done."))
        return redirect(present.url_of(found))
    one = request.POST.get("service", "")
    how: dict[str, Any] = {"service": _service(found, one)} if one else {}
    try:
        verb(actor=actor, migration=found, **how)
    except Problem as problem:
        refused(request, problem)
    return redirect(present.url_of(found))


_VERBS: dict[str, Callable[..., Any]] = {
    "start": migrating.start,
    "pause": migrating.pause,
    "drop": migrating.drop,
    "retry": migrating.retry,
    "roll_back": migrating.roll_back,
}


def _service(found: Migration, public_id: str) -> Service:
    item = selectors.list_moves(found).filter(service__public_id=public_id).first()
    if item is None:
        raise NotFound
    service: Service = item.service
    return service
