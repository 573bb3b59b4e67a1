"""The tickets as a list or a board, and the next one to take."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.frame import actor_of, back_to, fragment, page, refused, staff
from boss.console.presenters import ticket_list as present
from boss.console.presenters import tickets as tickets_present
from boss.console.presenters.marks import PRIORITY, TICKET
from boss.core.actors import Actor
from boss.core.problems import Problem
from boss.look.pages import Page, newest_first
from boss.tenancy.selectors import list_staff
from ticketing import columns, desk, lists, saved_views, selectors
from ticketing.lists import Found, Reader, Wanted
from ticketing.models import SavedView, Ticket
from ticketing.services import tickets
from ticketing.services.bulk import MOST, RIGHTS

MOST_SORTED = 200
"""A list that is not newest first has no further pages: of it the first so many are shown."""


@staff("ticketing.view_ticket")
@require_GET
def ticket_list(request: HttpRequest) -> HttpResponse:
    """Tickets the actor sees by filters or a saved view, as a table or as columns by status.

    Without anything asked for it is the view that this person's list begins with.
    """
    actor = actor_of(request)
    kept, first = saved_views.arranged(actor) if actor.holds("ticketing.view_savedview") else ([], None)
    view = _view(request.GET, kept, first)
    wanted = _wanted(request.GET, view)
    reader = Reader(actor)
    found = reader.find(wanted)
    known = {each.key: each.title for each in found.fields}
    chosen = _columns(request.GET, view, known)
    as_board = _as_board(request.GET, view)
    rest = {"view": view.public_id if view else "", "shape": "board" if as_board else ""}
    texts = {**wanted.as_texts(), **{key: value for key, value in rest.items() if value}}
    query = urlencode([*texts.items(), *(("col", key) for key in chosen if chosen != list(lists.FIRST_COLUMNS))])
    context: dict[str, Any] = {
        "found": found,
        "wanted": _shown(found),
        "query": query,
        "filters": urlencode(wanted.as_texts()),
        "views": present.views(kept, view),
        "view": view,
        "is_changed": view is not None and wanted != saved_views.wanted_of(view),
        "may_change": view is not None and saved_views.may_change(actor, view),
        "pools": list(reader.pools.values()),
        "categories": [one for one in reader.categories.values() if not one.is_archived or one == found.category],
        "people": list_staff(actor),
        "states": [
            ("unresolved", _("All unresolved")),
            ("all", _("All")),
            *((key, word.word) for key, word in TICKET.items()),
        ],
        "priorities": [(str(key), word.word) for key, word in PRIORITY.items()],
        "fields": present.filters(found),
        "sorts": present.sorts(found),
        "columns": present.column_choices(chosen, known),
        "as_board": as_board,
        "other_shape": urlencode([*wanted.as_texts().items(), ("shape", "table" if as_board else "board")]),
        "may_mail": actor.holds("ticketing.view_inboundmail"),
        "may_write_macros": actor.holds(desk.MANAGE),
        "may_see_reports": actor.holds("ticketing.view_savedreport"),
        "may_see_outages": actor.holds("ipservices.view_outage"),
        "may_set_policies": actor.holds("ticketing.manage_policies"),
        "may_take": actor.holds("ticketing.claim_ticket"),
        "may_view": actor.holds("ticketing.view_savedview"),
    }
    if as_board:
        context |= board_context(actor, found, query, open_more=request.GET.get("open", ""))
    else:
        context |= _table(request, actor, found, chosen)
    return page(request, "tickets/list.html", context, section="tickets")


def _table(request: HttpRequest, actor: Actor, found: Found, chosen: list[str]) -> dict[str, Any]:
    shown: Page[Ticket]
    if found.is_sorted:
        shown = Page(list(found.rows.select_related("site")[:MOST_SORTED]))
    else:
        shown = newest_first(found.rows.select_related("site"), request.GET.get("after", ""))
    verbs = [key for key, right in RIGHTS.items() if actor.holds(right)]
    return {
        "page": shown.map(lambda ticket: present.line(ticket, chosen, found, actor.user_id)),
        "heads": present.heads(chosen, found),
        "bulk": present.verbs(verbs),
        "most": MOST,
        "most_sorted": MOST_SORTED if found.is_sorted and len(shown) == MOST_SORTED else 0,
    }


def board_context(
    actor: Actor, found: Found, query: str, *, open_more: str = "", said: str = "", is_refusal: bool = False
) -> dict[str, Any]:
    shown = columns.of(found, open_more=open_more)
    may_move = actor.holds("ticketing.change_ticket")
    return {
        "board": present.board(shown, found, may_move=may_move),
        "query": query,
        "said": said,
        "is_refusal": is_refusal,
        "may_move": may_move,
    }


@staff("ticketing.view_savedview")
@require_GET
def view_counts(request: HttpRequest) -> HttpResponse:
    """The views with how many tickets each has; asked for after the page, and every half minute."""
    actor = actor_of(request)
    kept, _first = saved_views.arranged(actor)
    here = next((view for view in kept if view.public_id == request.GET.get("view")), None)
    counted = saved_views.counts(actor, kept)
    return fragment(request, "tickets/views.html", {"views": present.views(kept, here, counted), "may_view": True})


@staff("ticketing.claim_ticket")
@require_POST
def next_ticket(request: HttpRequest) -> HttpResponse:
    """Take the next ticket of my pools and open it."""
    try:
        ticket = tickets.take_next(actor=actor_of(request))
    except Problem as problem:
        refused(request, problem)
        return redirect("console:tickets")
    if ticket is None:
        messages.info(request, _("Nothing waits in your pools."))
        return back_to(request, "/console/tickets/")
    messages.success(request, _("%(number)s is yours.") % {"number": ticket.number})
    return redirect(tickets_present.url_of(ticket))


@staff("ticketing.change_ticket")
@require_POST
def place(request: HttpRequest, public_id: str) -> HttpResponse:
    """A card put into another column of the board. Refused, it stays where it is, and the board says why."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    version = request.POST.get("version", "")
    said, is_refusal = "", False
    try:
        moved = tickets.move(
            actor=actor, ticket=found, status=columns.status_for(found, request.POST.get("to", "")),
            expected_version=int(version) if version.isdigit() else None,
        )  # fmt: skip
        said = _("%(number)s moved.") % {"number": moved.number}
    except Problem as problem:
        why = [text for texts in problem.fields.values() for text in texts]
        said, is_refusal = " ".join([f"{found.number}:", *(why or [str(problem)])]), True
    given = QueryDict(request.POST.get("found", ""))
    if not request.headers.get("HX-Request"):
        (messages.error if is_refusal else messages.success)(request, said)
        return redirect(f"/console/tickets/?{given.urlencode()}" if given else "/console/tickets/?shape=board")
    # The filters of the page, whichever view they began as: the address holds them all.
    shown = Reader(actor).find(lists.read(given.dict()))
    context = board_context(actor, shown, given.urlencode(), said=said, is_refusal=is_refusal)
    return fragment(request, "tickets/board.html", context, status=422 if is_refusal else 200)


NOT_FILTERS = ("view", "shape", "after", "col", "open")


def _view(given: QueryDict, kept: list[SavedView], first: SavedView | None) -> SavedView | None:
    if not given:
        return first
    return next((view for view in kept if view.public_id == given.get("view")), None)


def _wanted(given: QueryDict, view: SavedView | None) -> Wanted:
    asks = any(key not in NOT_FILTERS for key in given)
    return lists.read(given.dict()) if asks or view is None else saved_views.wanted_of(view)


def _columns(given: QueryDict, view: SavedView | None, known: dict[str, str]) -> list[str]:
    asked = given.getlist("col") or (view.columns if view else []) or list(lists.FIRST_COLUMNS)
    there = {*lists.COLUMNS, *(lists.FIELD + key for key in known)}
    return list(dict.fromkeys(key for key in asked if key in there)) or list(lists.FIRST_COLUMNS)


def _as_board(given: QueryDict, view: SavedView | None) -> bool:
    shape = given.get("shape", "")
    return shape == "board" or (not shape and view is not None and view.is_board)


def _shown(found: Found) -> dict[str, Any]:
    """The filters as the page marks them: what was left out of account is not marked."""
    shown = asdict(found.wanted)
    if found.wanted.state not in ("unresolved", "all", *TICKET):
        shown["state"] = "all"
    return shown
