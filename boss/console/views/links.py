"""What binds tickets together: the panel beside a ticket, links, merges and splits."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.links import TICKET, LinkForm, MergeForm, SoughtForm, SplitForm
from boss.console.frame import actor_of, fragment, page, refused, staff
from boss.console.presenters import links as present
from boss.console.presenters import tickets as present_tickets
from boss.core.actors import Actor
from boss.core.problems import NotFound, Problem
from boss.look.marks import Mark
from ticketing import fields, links, selectors
from ticketing.errors import MergeUnconfirmed
from ticketing.fields import FieldDef
from ticketing.links import Doubt
from ticketing.models import Category, Ticket
from ticketing.selectors import situation
from ticketing.services import tickets
from ticketing.services.tickets import merging


@staff("ticketing.view_internal_message")
@require_GET
def panel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Everything linked to a ticket, as it stands now: a part of the ticket's page, or a page of its own."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    context = {"ticket": found, "panel": present.panel(actor, found), "rights": _rights(actor, found)}
    if request.headers.get("HX-Request"):
        return fragment(request, "tickets/links.html", context)
    return page(request, "tickets/links_page.html", context, section="tickets")


def _rights(actor: Actor, found: Ticket) -> dict[str, bool]:
    """Which buttons this person gets; the services decide again."""
    stands = found.merged_into_id is None
    return {
        "link": stands and actor.holds("ticketing.change_ticket"),
        "merge": stands and actor.holds("ticketing.resolve_ticket"),
        "split": stands and actor.holds("ticketing.change_ticket") and actor.holds("ticketing.add_ticket"),
        "unmerge": actor.holds("ticketing.resolve_ticket"),
    }


@staff("ticketing.change_ticket")
@require_http_methods(["GET", "POST"])
def link(request: HttpRequest, public_id: str) -> HttpResponse:
    """Look for a ticket or a thing, and link it."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    asked = request.POST if request.method == "POST" else request.GET
    kinds = links.linkable_kinds()
    what = asked.get("what", "") if asked.get("what") in {kind.key for kind in kinds} else TICKET
    text = asked.get("q", "")[:120]
    kept = {"type": asked.get("type", "")}  # a choice made while one goes on typing
    form = LinkForm(request.POST if request.method == "POST" else None, what=what, initial=kept)
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                _link(actor, found, what, form.cleaned_data["chosen"], form.cleaned_data["type"])
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Linked."))
                return redirect(present_tickets.url_of(found))
    hits: list[tuple[str, str, Mark | None, tuple[str, ...]]]
    if what == TICKET:
        whole = set(selectors.whole_of(found).values_list("pk", flat=True))
        lines = present.found_tickets(links.search_tickets(actor, text, without=whole))
        hits = [(each.public_id, f"{each.number} {each.title}", each.state, ()) for each in lines]
    else:
        cards = links.search_things(actor, what, text)
        hits = [(card.public_id, card.label, present.state_of(card), card.lines) for card in cards]
    context = {
        "ticket": found,
        "sought": SoughtForm({"what": what, "q": text}, kinds=kinds),
        "form": form,
        "what": what,
        "q": text,
        "hits": hits,
        "chosen": asked.get("chosen", ""),
    }
    return page(request, "tickets/link.html", context, section="tickets", status=status)


def _link(actor: Actor, ticket: Ticket, what: str, chosen: str, type_: str) -> None:
    if what == TICKET:
        try:
            other = selectors.get_ticket(actor, chosen)
        except NotFound:
            raise Problem(_("There is no such ticket.")) from None
        tickets.link(actor=actor, ticket=ticket, type=type_, other=other)
    else:
        tickets.link_thing(actor=actor, ticket=ticket, kind=what, public_id=chosen, type=type_)


@staff("ticketing.change_ticket")
@require_POST
def unlink(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take a link away."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        if relation := request.POST.get("link"):
            tickets.unlink(actor=actor, relation=links.get_relation(actor, found, relation))
        else:
            tickets.unlink_thing(
                actor=actor, ticket=found, kind=request.POST.get("kind", ""), public_id=request.POST.get("thing", "")
            )
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("The link is gone."))
    return redirect(present_tickets.url_of(found))


@staff("ticketing.resolve_ticket")
@require_http_methods(["GET", "POST"])
def merge(request: HttpRequest, public_id: str) -> HttpResponse:
    """Look for the other ticket, read what it means that the two become one, and do it."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    asked = request.POST if request.method == "POST" else request.GET
    text = asked.get("q", "")[:120]
    other = _other(actor, found, asked.get("other", ""))
    way = "into_this" if asked.get("way") == "into_this" else "into_other"
    form = MergeForm(
        request.POST if request.method == "POST" else None, initial={"other": asked.get("other", ""), "way": way}
    )
    status = 422 if form.is_bound else 200
    if form.is_bound and other is None:
        form.add_error(None, _("Choose another ticket."))
    elif form.is_bound and form.is_valid():
        assert other is not None
        gone, goes_on = (other, found) if way == "into_this" else (found, other)
        try:
            tickets.merge(actor=actor, tickets=[gone], into=goes_on, confirmed=form.cleaned_data["confirmed"])
        except MergeUnconfirmed as problem:
            form.add_error("confirmed", str(problem))
            status = problem.status
        except Problem as problem:
            form.add_problem(problem)
            status = problem.status
        else:
            told = _("%(number)s was merged into this ticket.") % {"number": gone.number}
            messages.success(request, told)
            return redirect(present_tickets.url_of(goes_on))
    context = {
        "ticket": found,
        "q": text,
        "hits": [] if other else present.found_tickets(merging.list_choices(actor, found, text)),
        "other": other,
        "way": way,
        "gone": other if way == "into_this" else found,
        "goes_on": found if way == "into_this" else other,
        "preview": _preview(found, other, way) if other else [],
        "form": form,
    }
    return page(request, "tickets/merge.html", context, section="tickets", status=status)


def _other(actor: Actor, found: Ticket, public_id: str) -> Ticket | None:
    try:
        other = selectors.get_ticket(actor, public_id) if public_id else None
    except NotFound:
        return None
    return other if other is not None and other.pk != found.pk else None


def _preview(found: Ticket, other: Ticket, way: str) -> list[Doubt]:
    gone, goes_on = (other, found) if way == "into_this" else (found, other)
    doubts = merging.examined(gone, goes_on)
    if not goes_on.is_open:
        doubts.insert(0, Doubt("state", _("%(number)s is not open.") % {"number": goes_on.number}, forbids=True))
    return doubts


@staff("ticketing.resolve_ticket")
@require_POST
def unmerge(request: HttpRequest, public_id: str) -> HttpResponse:
    """Take the ticket out of the one it was merged into."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        tickets.unmerge(actor=actor, ticket=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("%(number)s is a ticket of its own again.") % {"number": found.number})
    return redirect(present_tickets.url_of(found))


@staff("ticketing.change_ticket")
@require_http_methods(["GET", "POST"])
def split(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose messages, or write a note, and make it a ticket of its own."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    categories = list(selectors.list_categories(actor))
    said = [
        (each.public_id, f"{each.author_label}: {Truncator(each.body).chars(140)}")
        for each in selectors.list_messages(actor, found)
    ]
    given = request.POST if request.method == "POST" else request.GET
    key = given.get("category_key", "")
    asked = _asked(actor, next((each for each in categories if each.key == key), None))
    status = 200
    if request.method == "POST":
        form = SplitForm(request.POST, messages=said, categories=categories, asked=asked)
        status = 422
        if form.is_valid():
            typed = form.cleaned_data
            try:
                new = tickets.split(
                    actor=actor, ticket=found, category_key=typed["category_key"], title=typed["title"],
                    messages=typed["messages"], body=typed["body"], data=form.data_given,
                    expected_version=typed["version"],
                )  # fmt: skip
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("%(number)s is open.") % {"number": new.number})
                return redirect(present_tickets.url_of(new))
    else:
        chosen = {name: given.get(name, "") for name in ("title", "body", "category_key")}
        first = {**chosen, "messages": given.getlist("messages"), "version": found.version}
        form = SplitForm(initial=first, messages=said, categories=categories, asked=asked)
    context = {"ticket": found, "form": form}
    return page(request, "tickets/split.html", context, section="tickets", status=status)


def _asked(actor: Actor, category: Category | None) -> list[FieldDef]:
    """The fields of a category that this person is asked for when he opens a ticket of it."""
    published = selectors.find_schema(category) if category is not None else None
    every = published.fields() if published else []
    viewer = selectors.viewer_of(actor, every)
    return [each for each in fields.asked(every, {}, viewer, situation(Ticket())) if each.is_given]
