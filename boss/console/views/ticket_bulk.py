"""One thing done to many tickets: what it is about, the word to do it, and what became of each."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.ticket_list import TicketBulkForm
from boss.console.frame import actor_of, page, staff
from boss.console.presenters import ticket_bulk as present
from boss.console.presenters.bulk_progress import ItemLine
from boss.console.views import bulk_progress
from boss.core.actors import Actor
from boss.core.problems import InvalidInput, Problem
from boss.look import once
from boss.tenancy.selectors import list_staff
from ticketing import bulks, columns, lists, selectors
from ticketing.choices import BulkVerb, TicketState
from ticketing.lists import Reader
from ticketing.services import bulk
from ticketing.services.bulk import Chosen


@staff("ticketing.view_ticketbulk")
@require_POST
def ticket_bulk(request: HttpRequest) -> HttpResponse:
    """The chosen tickets and what is to be done with them: first what that wants to know, then, told, the doing."""
    actor = actor_of(request)
    verb = request.POST.get("action") or request.POST.get("other", "")
    back = f"/console/tickets/?{request.POST.get('found', '')}"
    try:
        chosen, beyond = _chosen(request, actor)
        told = bulk.preview(actor=actor, verb=verb, chosen=chosen)
    except InvalidInput as problem:
        messages.error(request, " ".join(text for texts in problem.fields.values() for text in texts))
        return redirect(back)

    going = "go" in request.POST
    form = TicketBulkForm(
        request.POST if going else None,
        verb=verb,
        people=list_staff(actor) if verb == BulkVerb.ASSIGN else (),
        pools=selectors.list_pools(actor) if verb == BulkVerb.POOL else (),
        statuses=_statuses(actor, chosen) if verb == BulkVerb.STATUS else (),
        initial={"once": once.new_key()},
    )
    status = 200
    if going:
        status = 422
        if form.is_valid():
            try:
                begun = bulk.begin(
                    actor=actor, verb=verb, chosen=chosen, given=form.cleaned_data, key=form.cleaned_data["once"]
                )
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                return redirect(present.url_of(begun))
    context = {
        "verb": verb,
        "title": present.title(verb),
        "chosen": [f"{each.public_id}.{'' if each.version is None else each.version}" for each in chosen],
        "told": told,
        "beyond": beyond,
        "most": bulk.MOST,
        "form": form,
        "found": request.POST.get("found", ""),
        "back": back,
    }
    return page(request, "tickets/bulk.html", context, section="tickets", status=status)


@staff("ticketing.view_ticketbulk")
@require_GET
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """How far it is and what became of each ticket, of those that the actor sees."""
    actor = actor_of(request)
    found = bulks.get(actor, public_id)

    def lines() -> list[ItemLine]:
        visible = set(selectors.list_tickets(actor).filter(bulk_items__bulk=found).values_list("pk", flat=True))
        return present.lines(item for item in bulks.list_items(found) if item.ticket_id in visible)

    return bulk_progress.show(request, present.progress_of(found, bulks.progress(found)), lines, section="tickets")


def _chosen(request: HttpRequest, actor: Actor) -> tuple[list[Chosen], bool]:
    """The tickets marked on the page in the versions shown, or all that match (then of more than may be chosen the
    first, and True). Raises :class:`InvalidInput`."""
    if not request.POST.get("all"):
        return [_named(text) for text in request.POST.getlist("ticket")], False
    found = Reader(actor).find(lists.read(QueryDict(request.POST.get("found", "")).dict()))
    if not found.is_whole:
        # It would be more than what was asked for.
        raise InvalidInput(fields={"tickets": [_("The list leaves a filter out of account: choose tickets singly.")]})
    rows = list(found.rows.values_list("public_id", "version")[: bulk.MOST + 1])
    return [Chosen(public_id, version) for public_id, version in rows[: bulk.MOST]], len(rows) > bulk.MOST


def _named(text: str) -> Chosen:
    public_id, _dot, version = text.partition(".")
    return Chosen(public_id, int(version) if version.isdecimal() else None)


def _statuses(actor: Actor, chosen: list[Chosen]) -> list[tuple[str, str]]:
    """The statuses of their category where they have one in common, else the states."""
    rows = selectors.list_tickets(actor).filter(public_id__in=[each.public_id for each in chosen]).order_by()
    keys = list(rows.values_list("category__key", flat=True).distinct()[:2])
    if len(keys) == 1:
        category = selectors.get_category(actor, keys[0])
        published = selectors.find_schema(category)
        if published is not None:
            return [(status.key, status.label) for status in published.status_defs()]
    return [(columns.STATE + state, str(TicketState(state).label)) for state in TicketState.values]
