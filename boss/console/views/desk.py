"""Beside the text somebody is writing on a ticket: keeping it, who else is here, texts to insert, macros, points."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.frame import actor_of, fragment, page, refused, staff
from boss.console.presenters import composer
from boss.console.presenters import tickets as present
from boss.core.problems import InvalidInput, NotFound, Problem, WrongState
from ticketing import desk, placeholders, presence, selectors
from ticketing.models import ChecklistItem, Ticket
from ticketing.services import checklists, drafts_of_text, macros, snippets

NOTE = "ticketing.view_internal_message"


@staff(NOTE)
@require_POST
def beat(request: HttpRequest, public_id: str) -> HttpResponse:
    """One beat of an open ticket page: what was typed is kept, and who else is here is told.

    ``text`` is there only when it has changed since the last beat; ``typing`` while somebody is at the keys.
    """
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    kept, wrong = None, ""
    if "text" in request.POST:
        # Browsers end lines with two characters; counted and kept is what was typed.
        body = request.POST["text"].replace("\r\n", "\n")
        try:
            kept = drafts_of_text.keep(actor=actor, ticket=found, kind=request.POST.get("kind", ""), body=body)
        except Problem as problem:
            wrong = str(problem)
    here = presence.here(actor=actor, ticket=found, is_typing=bool(request.POST.get("typing")))
    seen = _number(request, "version")
    context = {
        "ticket": found,
        "here": here,
        "kept": kept,
        "wrong": wrong,
        "is_stale": seen not in (None, found.version),
    }
    return fragment(request, "tickets/presence.html", context, status=422 if wrong else 200)


@staff(NOTE)
@require_GET
def texts(request: HttpRequest, public_id: str) -> HttpResponse:
    """Texts to insert that hold the words looked for, each with this ticket's values."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    known = placeholders.values(actor, found)
    offered = [
        (one, snippets.insertion(actor=actor, snippet=one, ticket=found, known=known))
        for one in desk.search_snippets(actor, request.GET.get("q", "")[:80])
    ]
    return fragment(request, "tickets/texts_list.html", {"offered": offered})


@staff(NOTE)
@require_http_methods(["GET", "POST"])
def run_macro(request: HttpRequest, public_id: str, macro_id: str) -> HttpResponse:
    """What a macro would do on this ticket, really tried and taken back; a POST does it."""
    actor = actor_of(request)
    found, macro = selectors.get_ticket(actor, public_id), desk.get_macro(actor, macro_id)
    if request.method == "GET":
        return _macro_page(request, found, macro_id)
    try:
        macros.run(
            actor=actor, macro=macro, ticket=found, version=_number(request, "macro_version"),
            expected_version=_number(request, "version"),
        )  # fmt: skip
    except WrongState as problem:
        fresh = selectors.get_ticket(actor, public_id)
        changed = composer.since(actor, fresh, _number(request, "version"))
        return _macro_page(request, fresh, macro_id, problem=problem, changed=changed)
    except Problem as problem:
        return _macro_page(request, selectors.get_ticket(actor, public_id), macro_id, problem=problem)
    messages.success(request, _("%(macro)s: done.") % {"macro": macro.name})
    return redirect(present.url_of(found))


def _macro_page(
    request: HttpRequest, found: Ticket, macro_id: str, *, problem: Problem | None = None,
    changed: list[composer.Change] | None = None,
) -> HttpResponse:  # fmt: skip
    actor = actor_of(request)
    macro = desk.get_macro(actor, macro_id)
    told = macros.preview(actor=actor, macro=macro, ticket=found)
    context = {
        "ticket": found, "macro": macro, "steps": told, "problem": problem, "changed": changed,
        "possible": not any(step.refusal for step in told),
    }  # fmt: skip
    status = problem.status if problem else 200
    return page(request, "tickets/macro.html", context, section="tickets", status=status)


@staff("ticketing.change_ticket")
@require_POST
def checklist(request: HttpRequest, public_id: str) -> HttpResponse:
    """One button of the checklist: ``do`` says which, ``point`` on what, ``text`` what is added."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    do = request.POST.get("do", "")
    try:
        if do == "add":
            checklists.add(actor=actor, ticket=found, texts=request.POST.get("text", "")[:5000].splitlines())
        else:
            _on_point(request, found, do)
    except Problem as problem:
        refused(request, problem)
    return redirect(f"{present.url_of(found)}#points")


def _on_point(request: HttpRequest, found: Ticket, do: str) -> None:
    actor = actor_of(request)
    point: ChecklistItem | None = (
        selectors.list_checklist(actor, found).filter(public_id=request.POST.get("point", "")).first()
    )
    if point is None:
        raise InvalidInput(_("This point is not there any more."))
    if do == "check":
        checklists.check(actor=actor, item=point)
    elif do == "uncheck":
        checklists.uncheck(actor=actor, item=point)
    elif do == "remove":
        checklists.remove(actor=actor, item=point)
    elif do == "up" or do == "down":
        checklists.shift(actor=actor, item=point, to="up" if do == "up" else "down")
    else:
        raise NotFound(do=do)


def _number(request: HttpRequest, name: str) -> int | None:
    told = request.POST.get(name, "")
    return int(told) if told.isdecimal() and len(told) < 10 else None
