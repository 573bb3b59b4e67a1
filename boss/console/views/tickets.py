"""The ticket page: read, decide, act. Lists are in ``ticket_list``."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.links import children_field
from boss.console.forms.tickets import AssignForm, FillForm, MessageForm, MoveForm, ResolveForm, WaitForm
from boss.console.forms.time import TimeForm
from boss.console.frame import actor_of, back_to, fragment, page, refused, staff
from boss.console.presenters import answers as of_answers
from boss.console.presenters import composer, conversation, outages, promises
from boss.console.presenters import tickets as present
from boss.console.presenters import time as time_present
from boss.console.presenters.marks import PRIORITY, mark
from boss.core import permissions
from boss.core.actors import Actor
from boss.core.problems import Problem, WrongState
from boss.look import answers, kept_files, once
from boss.look.forms import BossForm
from boss.tenancy.selectors import list_staff
from ticketing import fields, links, mailroom, policies, selectors, statuses, timesheet, why
from ticketing.choices import TicketState
from ticketing.contracts import Outcome
from ticketing.errors import OpenChildren, TicketChanged
from ticketing.fields import FieldDef
from ticketing.models import TextDraft, Ticket
from ticketing.services import answers as answers_sent
from ticketing.services import tickets
from ticketing.services.mail import letting_in


@staff("ticketing.view_ticket")
@require_GET
def ticket(request: HttpRequest, public_id: str) -> HttpResponse:
    """One ticket: conversation, facts, what it is about, how it can end."""
    found = selectors.get_ticket(actor_of(request), public_id)
    goes_on = links.find_survivor(actor_of(request), found) if "here" not in request.GET else None
    if goes_on is not None:
        messages.info(request, _("%(number)s was merged into this ticket.") % {"number": found.number})
        return redirect(present.url_of(goes_on))
    return ticket_page(request, found)


def ticket_page(request: HttpRequest, found: Ticket, *, status: int = 200, **forms: Any) -> HttpResponse:
    actor = actor_of(request)
    outcomes = list(selectors.outcomes_of(found)) if found.is_open else []
    chosen = _chosen(outcomes, request.POST.get("outcome") or request.GET.get("outcome", ""))
    talk = conversation.of_ticket(actor, found)
    known = selectors.known(found.category)
    viewer = selectors.viewer_of(actor, known.fields.values())
    asked = _asked(actor, found) if found.is_open else []
    rights = _rights(actor, found)
    around = composer.of(actor, found, may_note=rights["note"])
    rules = policies.closing_of(found.category_id)
    context = {
        "ticket": found,
        "composer": around,
        "row": present.row(found, actor.user_id),
        "state": present.state_of(found, known.status(found)),
        "priority": mark(PRIORITY, found.priority),
        "brief": talk.brief,
        "said": talk.said,
        "brief_files": talk.brief_files,
        "leaving": of_answers.of(actor, found),
        "log": present.log(selectors.list_events(actor, found)),
        "cards": selectors.list_cards(found),
        "promises": promises.of(why.explain(actor, found)),
        "undelivered": list(mailroom.list_undelivered(actor, found)),
        "outages": outages.beside(actor, found),
        "held": list(mailroom.list_held_mail(actor, found)),
        "waiting_people": list(mailroom.list_waiting_people(actor, found)),
        "may_let_in": permissions.may(actor, letting_in.PERMISSION, found),
        "values": present.values(actor, found, known, viewer),
        "results": present.results(found),
        "outcomes": outcomes,
        "chosen": chosen,
        "rights": rights,
        "may_reopen": rights["resolve"] and present.may_reopen(found),
        "message_form": _message_form(request, found, around["draft"], may_note=rights["note"]),
        "assign_form": AssignForm(people=list_staff(actor), initial={"version": found.version})
        if rights["assign"]
        else None,
        "fill_form": _fill_form(found, asked) if asked else None,
        "wait_form": WaitForm(initial={"version": found.version}),
        **_time(actor, found),
        "move_form": MoveForm(statuses=_ways(found), rules=rules, initial={"version": found.version})
        if rights["wait"]
        else None,
        "resolve_form": ResolveForm(
            outcome=chosen,
            needed=_needed(actor, found, TicketState.RESOLVED),
            rules=rules,
            deciding=fields.depends(known.fields.values()),
            initial={"version": found.version},
        ),
        "from_inbox": "inbox" in (request.GET.get("from"), request.POST.get("from")),
    }
    return page(request, "tickets/ticket.html", context | forms, section="tickets", status=status)


def _message_form(request: HttpRequest, found: Ticket, draft: TextDraft | None, *, may_note: bool) -> MessageForm:
    """What was typed and not sent, on whatever machine, stands in it; and the files of an answer taken back."""
    kind = draft.kind if draft else "internal" if may_note else "public"
    body = draft.body if draft else ""
    initial = {"once": once.new_key(), "version": found.version, "kind": kind, "body": body}
    form = MessageForm(initial=initial, may_note=may_note)
    if kept_files.BOX in request.GET:
        kept_files.bring(form, request, f"say:{found.public_id}")
    return form


def _time(actor: Actor, found: Ticket) -> dict[str, Any]:
    """What was spent on it, and the actor's own timer."""
    if not actor.holds("ticketing.view_timeentry"):
        return {}
    entries = timesheet.list_for_ticket(actor, found)
    others = permissions.may(actor, "ticketing.correct_timeentry")
    timer = timesheet.find_timer(actor)
    runs_here = timer is not None and timer.ticket_id == found.pk
    return {
        "time_lines": [time_present.line(entry, user_id=actor.user_id, may_correct_others=others) for entry in entries],
        "time_total": time_present.clock_of(timesheet.seconds_of(entries)),
        "timer": timer,
        "timer_runs_here": runs_here,
        "time_form": TimeForm(timed=runs_here) if actor.holds("ticketing.add_timeentry") else None,
    }


def _asked(actor: Actor, found: Ticket, typed: QueryDict | None = None) -> list[FieldDef]:
    """The fields this person may fill in now: those of the present version, to which an edit brings the ticket. With
    what he has ``typed``, those that asks for."""
    every = _present_fields(found)
    viewer = selectors.viewer_of(actor, every)
    values = found.data
    if typed is not None:
        on_page = [key for key in typed.get("on_page", "").split(",") if key]
        values = answers.so_far(every, typed, found.data, on_page=on_page)
    return [field for field in fields.asked(every, values, viewer, selectors.situation(found)) if field.is_given]


def _present_fields(found: Ticket) -> list[FieldDef]:
    published = selectors.find_schema(found.category)
    return published.fields() if published else []


def _fill_form(found: Ticket, asked: list[FieldDef], *args: Any, **initial: Any) -> FillForm:
    deciding = fields.depends(_present_fields(found))
    initial.setdefault("version", found.version)
    return FillForm(*args, asked=asked, held=found.data, deciding=deciding, initial=initial)


def _ways(found: Ticket) -> list[tuple[str, str]]:
    """The statuses it may be given by hand; how a ticket with outcomes ends is asked for elsewhere."""
    published = selectors.find_schema(found.category)
    known = published.status_defs() if published else statuses.effective(())
    ways = statuses.next_of(known, found.status, found.state)
    if found.is_open and selectors.outcomes_of(found):
        ways = [status for status in ways if status.is_open]
    return [(status.key, status.label) for status in ways]


def _needed(
    actor: Actor, found: Ticket, state: str = "", key: str = "", typed: QueryDict | None = None
) -> list[FieldDef]:
    """The empty fields that a status (of this key, or the first of this state) wants filled in: with what was
    ``typed``, those that asks for."""
    published = selectors.find_schema(found.category)
    if published is None or not found.is_open:
        return []
    known = published.status_defs()
    target = statuses.find(known, key) if key else statuses.first_of(known, state)
    keys = statuses.needed(published.fields(), target) if target else set()
    if target is not None and target.state == TicketState.RESOLVED:
        keys |= set(policies.closing_of(found.category_id).fields)
    empty = [field for field in _asked(actor, found, typed) if found.data.get(field.key) in (None, "", [])]
    return [field for field in empty if field.key in keys]


@staff("ticketing.change_ticket")
@require_POST
def move(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another status of its category. What that wants filled in is asked for beside it, as soon as one is chosen and
    by what is filled in (``choose``: nothing is kept)."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    more: dict[str, Any] = {
        "statuses": _ways(found),
        "needed": _needed(actor, found, key=request.POST.get("status", "") or "-", typed=request.POST),
        "rules": policies.closing_of(found.category_id),
        "deciding": fields.depends(_present_fields(found)),
    }
    if "choose" in request.POST:
        form = MoveForm(initial=_typed(request.POST), **more)
        _kept(form, request, f"move:{public_id}")
        if request.headers.get("HX-Request"):
            return fragment(request, "tickets/move.html", {"ticket": found, "move_form": form})
        return ticket_page(request, found, move_form=form, move_open=True)
    form = MoveForm(request.POST, request.FILES, **more)
    kept_files.bring(form, request, f"move:{public_id}")
    if not form.is_valid():
        kept_files.keep(form, request)
        return ticket_page(request, found, status=422, move_form=form)
    typed = form.cleaned_data
    try:
        tickets.move(
            actor=actor, ticket=found, status=typed["status"], data=form.data_given, reason=typed["reason"],
            children=request.POST.get("children", ""), resolution_code=typed.get("resolution_code") or "",
            expected_version=answers_sent.let_own_go(actor=actor, ticket=found, seen=typed["version"]),
        )  # fmt: skip
    except Problem as problem:
        _ask_about_children(form, problem)
        form.add_problem(problem)
        return ticket_again(request, found, problem, move_form=form)
    kept_files.sent(form, request)
    return redirect(present.url_of(found))


def _kept(form: BossForm, request: HttpRequest, name: str) -> None:
    """The files of a form that only asks for other boxes: without a script they come with it."""
    kept_files.bring(form, request, name)
    kept_files.keep(form, request)


def _rights(actor: Actor, found: Ticket) -> dict[str, bool]:
    """Which buttons this person gets; the services decide again."""
    is_open, stands = found.is_open, found.merged_into_id is None
    mine = found.assignee_id is not None and found.assignee_id == actor.user_id
    return {
        "say": stands and actor.holds("ticketing.add_message"),
        "note": stands and actor.holds("ticketing.add_internal_message"),
        "claim": is_open and found.assignee_id is None and actor.holds("ticketing.claim_ticket"),
        "release": is_open and mine,
        "assign": is_open and permissions.may(actor, "ticketing.assign_ticket"),
        "fill": is_open and actor.holds("ticketing.change_ticket"),
        "wait": is_open and actor.holds("ticketing.change_ticket"),
        "resolve": actor.holds("ticketing.resolve_ticket"),
    }


def _chosen(outcomes: list[Outcome], key: str) -> Outcome | None:
    """The outcome somebody picked, or the first one."""
    return next((outcome for outcome in outcomes if outcome.key == key), outcomes[0] if outcomes else None)


@staff("ticketing.claim_ticket")
@require_POST
def claim(request: HttpRequest, public_id: str) -> HttpResponse:
    found = selectors.get_ticket(actor_of(request), public_id)
    try:
        tickets.claim(actor=actor_of(request), ticket=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("%(number)s is yours.") % {"number": found.number})
    return back_to(request, present.url_of(found))


@staff("ticketing.claim_ticket")
@require_POST
def release(request: HttpRequest, public_id: str) -> HttpResponse:
    found = selectors.get_ticket(actor_of(request), public_id)
    try:
        tickets.release(actor=actor_of(request), ticket=found)
    except Problem as problem:
        refused(request, problem)
    else:
        messages.success(request, _("%(number)s is back in its pool.") % {"number": found.number})
    return back_to(request, present.url_of(found))


@staff("ticketing.assign_ticket")
@require_POST
def assign(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    people = list_staff(actor)
    form = AssignForm(request.POST, people=people)
    if form.is_valid():
        person = next(user for user in people if user.public_id == form.cleaned_data["user"])
        try:
            tickets.assign(actor=actor, ticket=found, user=person, expected_version=form.cleaned_data["version"])
        except Problem as problem:
            form.add_problem(problem)
            return ticket_again(request, found, problem, assign_form=form)
        messages.success(request, _("Given to %(name)s.") % {"name": person.full_name})
        return redirect(present.url_of(found))
    return ticket_page(request, found, status=422, assign_form=form)


def _typed(post: QueryDict) -> dict[str, Any]:
    """What was typed, lists of several choices as lists."""
    dropped = ("on_page", kept_files.BOX)
    return {key: values if len(values) > 1 else values[0] for key, values in post.lists() if key not in dropped}


@staff("ticketing.change_ticket")
@require_POST
def fill(request: HttpRequest, public_id: str) -> HttpResponse:
    """Put in what the ticket's own fields hold. With ``choose`` an answer asks for other boxes: nothing is kept."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    asked = _asked(actor, found, request.POST)
    if "choose" in request.POST:
        form = _fill_form(found, asked, **_typed(request.POST))
        _kept(form, request, f"fill:{public_id}")
        if request.headers.get("HX-Request"):
            return fragment(request, "tickets/fill.html", {"ticket": found, "fill_form": form})
        return ticket_page(request, found, fill_form=form, fill_open=True)
    form = _fill_form(found, asked, request.POST, request.FILES)
    kept_files.bring(form, request, f"fill:{public_id}")
    if not form.is_valid():
        kept_files.keep(form, request)
        return ticket_page(request, found, status=422, fill_form=form)
    try:
        tickets.fill(actor=actor, ticket=found, data=form.values, expected_version=form.cleaned_data["version"])
    except Problem as problem:
        form.add_problem(problem)
        return ticket_again(request, found, problem, fill_form=form)
    kept_files.sent(form, request)
    messages.success(request, _("Kept."))
    return redirect(present.url_of(found))


@staff("ticketing.change_ticket")
@require_POST
def wait(request: HttpRequest, public_id: str) -> HttpResponse:
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    form = WaitForm(request.POST)
    if form.is_valid():
        try:
            tickets.wait(
                actor=actor,
                ticket=found,
                waiting_for=form.cleaned_data["waiting_for"],
                reason=form.cleaned_data["reason"],
                expected_version=form.cleaned_data["version"],
            )
        except Problem as problem:
            form.add_problem(problem)
            return ticket_again(request, found, problem, wait_form=form)
        return redirect(present.url_of(found))
    return ticket_page(request, found, status=422, wait_form=form)


@staff("ticketing.resolve_ticket")
@require_http_methods(["POST"])
def resolve(request: HttpRequest, public_id: str) -> HttpResponse:
    """End the ticket with the outcome chosen; from the inbox, go on to the next piece of work."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    outcomes = list(selectors.outcomes_of(found)) if found.is_open else []
    outcome = _chosen(outcomes, request.POST.get("outcome", ""))
    more: dict[str, Any] = {
        "outcome": outcome,
        "needed": _needed(actor, found, TicketState.RESOLVED, typed=request.POST),
        "rules": policies.closing_of(found.category_id),
        "deciding": fields.depends(_present_fields(found)),
    }
    if "choose" in request.POST:  # what was answered asks for other boxes: nothing is ended
        form = ResolveForm(initial=_typed(request.POST), **more)
        _kept(form, request, f"resolve:{public_id}")
        context = {"ticket": found, "resolve_form": form, "outcomes": outcomes, "chosen": outcome}
        context["from_inbox"] = request.POST.get("from") == "inbox"
        if request.headers.get("HX-Request"):
            return fragment(request, "tickets/resolve.html", context)
        return ticket_page(request, found, resolve_form=form)
    form = ResolveForm(request.POST, request.FILES, **more)
    kept_files.bring(form, request, f"resolve:{public_id}")
    if not form.is_valid():
        kept_files.keep(form, request)
        return ticket_page(request, found, status=422, resolve_form=form)
    try:
        tickets.resolve(
            actor=actor,
            ticket=found,
            outcome=outcome.key if outcome else "",
            values=form.values,
            note=form.cleaned_data["note"],
            data={key: value for key, value in form.data_given.items() if value not in (None, "", [])},
            confirmed=bool(form.cleaned_data.get("confirmed")),
            children=request.POST.get("children", ""),
            resolution_code=form.cleaned_data.get("resolution_code") or "",
            expected_version=answers_sent.let_own_go(actor=actor, ticket=found, seen=form.cleaned_data["version"]),
        )
    except Problem as problem:
        _ask_about_children(form, problem)
        form.add_problem(problem)
        return ticket_again(request, found, problem, resolve_form=form)
    kept_files.sent(form, request)
    messages.success(request, _("%(number)s is done.") % {"number": found.number})
    if request.POST.get("next") == "inbox":
        return redirect("console:inbox_next")
    return redirect(present.url_of(found))


def _ask_about_children(form: Form, problem: Problem) -> None:
    if isinstance(problem, OpenChildren):
        form.fields["children"] = children_field()


def ticket_again(request: HttpRequest, found: Ticket, problem: Problem, **forms: Any) -> HttpResponse:
    """The page with what was typed, on the ticket as it is now. A conflict shows who was quicker, in the log."""
    fresh = selectors.get_ticket(actor_of(request), found.public_id)
    for form in forms.values():
        if form.kept_for and not isinstance(form, MessageForm):
            kept_files.keep(form, request)
    if isinstance(problem, TicketChanged):
        seen = next((form.cleaned_data.get("version") for form in forms.values()), None)
        forms["changed"] = composer.since(actor_of(request), fresh, seen)
    if isinstance(problem, WrongState):
        for form in forms.values():
            if isinstance(form, BossForm) and "version" in form.fields:
                # Sending once more is then a decision taken on what is shown now.
                typed = form.data.copy()  # type: ignore[attr-defined]
                typed["version"] = str(fresh.version)
                form.data = typed
    return ticket_page(request, fresh, status=problem.status, **forms)


@staff("ticketing.resolve_ticket")
@require_POST
def reopen(request: HttpRequest, public_id: str) -> HttpResponse:
    found = selectors.get_ticket(actor_of(request), public_id)
    try:
        tickets.reopen(actor=actor_of(request), ticket=found)
    except Problem as problem:
        refused(request, problem)
    return redirect(present.url_of(found))
