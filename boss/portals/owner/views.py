"""The pages of the owner portal. Nothing of a resident is asked for: buildings, shared tickets, one's own people.

Read as the database role of customers, which shows an organization's people no row of a resident (ADR 0116).
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.problems import NotFound, Problem
from boss.core.views import requires
from boss.look import kept_files, once, pages
from boss.look.people import INVITED, button, mark_of
from boss.notify.services import inviting
from boss.portals import answering, asking
from boss.portals.owner.forms import ColleagueForm, OwnersTicketForm
from boss.portals.selfhelp.forms import ReplyForm
from boss.portals.selfhelp.views.tickets import Row
from boss.tenancy import selectors, signing_in
from boss.tenancy.models import Organization, User
from boss.tenancy.reach import reaches, roles_to_give
from ipservices import outages
from subscribers import selectors as subscribers
from ticketing import links
from ticketing import selectors as ticketing
from ticketing.services import tickets as desk

PAGE = 20
OVER = ("closed", "cancelled", "merged")


def _actor(request: HttpRequest) -> Actor:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def _may_ask(request: HttpRequest) -> bool:
    """Whether he opens tickets for his organization."""
    return _organization(request) is not None and _actor(request).holds("ticketing.add_ticket")


def _show(request: HttpRequest, name: str, here: str, status: int = 200, **context: Any) -> HttpResponse:
    organization = _organization(request)
    sees_people = organization is not None and reaches(_actor(request), "tenancy.view_user", organization)
    context |= {"here": here, "sees_people": sees_people}
    return render(request, f"portals/owner/{name}.html", context, status=status)


@requires("core.use_owner", customers=True)
@require_GET
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    """The buildings, and what is open in tickets."""
    actor = _actor(request)
    buildings = subscribers.list_buildings(actor)
    open_tickets = [Row.of(each) for each in ticketing.list_tickets(actor).exclude(state__in=OVER)[:5]]
    out = outages.known_at(actor)
    return _show(request, "home", "home", buildings=buildings, tickets=open_tickets, outages=out)


@requires("core.use_owner", customers=True)
@require_GET
@never_cache
def building(request: HttpRequest, public_id: str) -> HttpResponse:
    """One building: its units, how many are connected, its tickets. Addressed by any of its sites."""
    actor = _actor(request)
    for each in subscribers.list_buildings(actor):
        if any(site.public_id == public_id for site in each.sites):
            there = ticketing.list_tickets(actor).filter(site_id__in=[site.pk for site in each.sites])
            shown = [Row.of(ticket) for ticket in there[:PAGE]]
            units = [site for site in each.sites if site.unit]
            may_ask = _may_ask(request)
            out = outages.known_at(actor, [site.pk for site in each.sites])
            return _show(
                request, "building", "home", building=each, units=units, tickets=shown, may_ask=may_ask, outages=out
            )
    raise NotFound


@requires("core.use_owner", customers=True)
@require_GET
@never_cache
def tickets(request: HttpRequest) -> HttpResponse:
    found = ticketing.list_tickets(_actor(request)).select_related("site")
    page = pages.newest_first(found, request.GET.get("after", ""), PAGE).map(Row.of)
    return _show(request, "tickets", "tickets", page=page, may_ask=_may_ask(request))


@requires("ticketing.add_ticket", customers=True)
@require_http_methods(["GET", "POST"])
@never_cache
def ticket_new(request: HttpRequest) -> HttpResponse:
    """Open a ticket for the organization, about a place of one's own. ``?building=`` offers its places alone."""
    actor, organization = _mine(request)
    if not actor.holds("core.use_owner"):
        raise NotFound
    buildings = subscribers.list_buildings(actor)
    chosen = [each for each in buildings if request.GET.get("building", "") in {site.public_id for site in each.sites}]
    asked = asking.ask(
        request,
        OwnersTicketForm,
        buildings=chosen or buildings,
        everywhere=not chosen and reaches(actor, "ticketing.add_ticket", organization),
    )
    if asked.sent:
        if not once.first_time(actor, request.POST.get("form_key", "")):
            return redirect("owner:tickets")
        opened = asking.open_asked(request, asked.form, site=asked.form.place())
        if opened is not None:
            messages.success(request, _("We have your ticket %(number)s.") % {"number": opened.number})
            return redirect("owner:ticket", public_id=opened.public_id)
    return _show(request, "ticket_new", "tickets", status=asked.status, **asked.context())


@requires("core.use_owner", customers=True)
@require_http_methods(["GET", "POST"])
@never_cache
def ticket(request: HttpRequest, public_id: str) -> HttpResponse:
    """The conversation of a ticket that was shared: public messages only."""
    actor = _actor(request)
    found = ticketing.get_ticket(actor, public_id)
    goes_on = links.find_survivor(actor, found)
    if goes_on is not None and request.method != "POST":
        return redirect("owner:ticket", public_id=goes_on.public_id)
    form = ReplyForm(*((request.POST, request.FILES) if request.method == "POST" else ()))
    kept_files.bring(form, request, f"say:{public_id}")
    if form.is_bound and form.is_valid():
        if not once.first_time(actor, request.POST.get("form_key", "")):
            return redirect("owner:ticket", public_id=public_id)
        try:
            desk.add_message(
                actor=actor, ticket=found, body=form.cleaned_data["body"], files=form.cleaned_data["files"]
            )
        except Problem as problem:
            form.add_problem(problem)
        else:
            kept_files.sent(form, request)
            messages.success(request, _("Your message is sent."))
            return redirect("owner:ticket", public_id=public_id)
    if form.errors:
        kept_files.keep(form, request)
    told = asking.told(request, found, "owner")
    return _show(
        request,
        "ticket",
        "tickets",
        status=422 if form.errors else 200,
        row=Row.of(found),
        mark=told.mark,
        told=told.values,
        thread=asking.thread(request, found, "owner"),
        form=form,
        form_key=once.new_key(),
        **answering.of(request, found).context(),
    )


@requires("ticketing.view_attachment", customers=True)
@require_GET
@never_cache
def file(request: HttpRequest, public_id: str) -> HttpResponse:
    """A file of a ticket that is shared with the organization."""
    if not _actor(request).holds("core.use_owner"):
        raise NotFound
    return asking.file(request, public_id)


@requires("tenancy.view_user", customers=True)
@require_GET
@never_cache
def people(request: HttpRequest) -> HttpResponse:
    """The organization's people and what they see."""
    actor, organization = _mine(request)
    found = selectors.list_people(actor).filter(organization=organization).order_by("full_name", "id")
    rows = list(found[:200])
    with scoping.as_application():  # who holds what is no table of customers; of these people it is shown here
        prefetch_related_objects(rows, "role_grants__role", "role_grants__site")
    may_invite = reaches(actor, "tenancy.add_user", organization)
    lines = [_line(each, actor) for each in rows]
    return _show(request, "people", "people", lines=lines, may_invite=may_invite, organization=organization)


@requires("tenancy.add_user", customers=True)
@require_http_methods(["GET", "POST"])
@never_cache
@signing_in.recently_proven
def invite(request: HttpRequest) -> HttpResponse:
    actor, organization = _mine(request)
    if not reaches(actor, "tenancy.add_user", organization):  # a colleague with some buildings
        raise NotFound
    form = ColleagueForm(
        request.POST if request.method == "POST" else None,
        roles=roles_to_give(actor, organization),
        buildings=subscribers.list_buildings(actor),
    )
    if form.is_bound and form.is_valid():
        try:
            made = inviting.invite(actor=actor, kind=User.Kind.CONTACT, organization=organization, **form.given())
        except Problem as problem:
            form.add_problem(problem)
        else:
            messages.success(request, _("%(name)s is invited by mail.") % {"name": made.full_name})
            return redirect("owner:people")
    return _show(request, "invite", "people", status=422 if form.errors else 200, form=form)


def _organization(request: HttpRequest) -> Organization | None:
    """Whom the person speaks for: in his own row, also when he was given some buildings of it and not the whole."""
    with scoping.as_application():
        found: Organization | None = getattr(request.user, "organization", None)
    return found


def _mine(request: HttpRequest) -> tuple[Actor, Organization]:
    """The organization the person speaks for; whoever speaks for none has nothing here."""
    organization = _organization(request)
    if organization is None:
        raise NotFound
    return _actor(request), organization


def _colleague(request: HttpRequest, public_id: str) -> User:
    actor, organization = _mine(request)
    user: User | None = selectors.list_people(actor).filter(organization=organization, public_id=public_id).first()
    if user is None:
        raise NotFound
    return user


def _to_people(_user: User) -> HttpResponse:
    return redirect("owner:people")


deactivate = requires("tenancy.change_user")(button("deactivate", find=_colleague, back=_to_people))
reactivate = requires("tenancy.change_user")(button("reactivate", find=_colleague, back=_to_people))
invite_again = requires("tenancy.change_user")(button("invite_again", find=_colleague, back=_to_people))


def _line(user: User, actor: Actor) -> dict[str, Any]:
    grants = list(user.role_grants.all())  # type: ignore[attr-defined]
    streets = sorted({f"{each.site.street}, {each.site.city}" for each in grants if each.site is not None})
    mark = mark_of(user)
    return {
        "person": user,
        "mark": mark,
        "is_self": user.pk == actor.user_id,
        "roles": ", ".join(sorted({str(each.role.name) for each in grants})),
        "place": _("all buildings") if any(each.kind == "organization" for each in grants) else " · ".join(streets),
        "may_change": actor.holds("tenancy.change_user") and user.pk != actor.user_id,
        "invited": mark is INVITED,
    }
