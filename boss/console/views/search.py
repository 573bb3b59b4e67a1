"""One box for everything: what was typed decides where to look."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from boss.console.frame import actor_of, fragment, page, staff
from boss.console.presenters import accounts as present_accounts
from boss.console.presenters import tickets as present_tickets
from boss.core.actors import Actor
from boss.look.marks import Mark
from subscribers import selectors as subscribers
from subscribers.account_search import search_accounts
from subscribers.models import Account
from subscribers.search import read
from ticketing import by_title, by_values
from ticketing import selectors as ticketing
from ticketing.models import Ticket

IN_THE_BOX, ON_THE_PAGE = 8, 50


@dataclass(frozen=True, slots=True)
class Hit:
    title: str
    sub: str
    url: str
    icon: str
    state: Mark


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    hits: list[Hit]


@staff("core.search")
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """The listbox under the search field (htmx), or the whole page when Enter was pressed on nothing chosen."""
    text = " ".join(request.GET.get("q", "").split())[:120]
    boxed = bool(request.headers.get("HX-Request"))
    groups = find(actor_of(request), text, IN_THE_BOX if boxed else ON_THE_PAGE) if text else []
    count = sum(len(group.hits) for group in groups)
    said = ngettext("%(n)s result", "%(n)s results", count) % {"n": count} if count else _("No results")
    context = {"q": text, "groups": groups, "said": said, "too_short": read(text).shape == "nothing" and not count}
    if boxed:
        return fragment(request, "search_list.html", context)
    return page(request, "search.html", context, section="")


def find(actor: Actor, text: str, limit: int) -> list[Group]:
    """Orders by their number; tickets by it, by their values and titles; accounts by anything. Only what the actor may
    see, and what fits exactly before what holds the words."""
    groups = []
    tickets = actor.holds("ticketing.view_ticket")
    if tickets and "-" in text:
        ticket = ticketing.find_by_number(actor, text)
        if ticket is not None:
            groups.append(Group(_("Tickets"), [_ticket(ticket)]))
    if tickets and (held := by_values.find_by_value(actor, text)):
        groups.append(Group(_("Tickets with this value"), [_ticket(each) for each in held]))
    if actor.holds("subscribers.view_order") and text.upper().startswith("O-"):
        orders = subscribers.list_orders(actor).filter(number=text.upper())[:1]
        hits = [
            Hit(f"{row.number} {row.what}", row.account, row.url, "route", row.state)
            for row in present_accounts.order_rows(orders)
        ]
        if hits:
            groups.append(Group(_("Orders"), hits))
    if actor.holds("subscribers.view_account"):
        hits = [
            Hit(
                f"{row.number} {row.name}",
                " · ".join(filter(None, (row.place, row.phone, row.email))),
                row.url,
                "user",
                row.state,
            )
            for row in map(present_accounts.row, _found(actor, text, limit))
        ]
        if hits:
            groups.append(Group(_("Accounts"), hits))
    if tickets and (titled := by_title.find_by_title(actor, text, limit)):
        groups.append(Group(_("Tickets by title"), [_ticket(each) for each in titled]))
    return groups


def _ticket(ticket: Ticket) -> Hit:
    row = present_tickets.row(ticket)
    return Hit(f"{row.number} {row.title}", row.category, row.url, "ticket", row.state)


def _found(actor: Actor, text: str, limit: int) -> list[Account]:
    """The accounts for what was typed, with their sites in one more statement."""
    found = search_accounts(actor, text, limit)
    prefetch_related_objects(found, "site")
    return found
