"""Working time: the timer and the entries of a ticket, one's own week, and what it came to in all."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from boss.console.forms.time import CorrectForm, TimeForm
from boss.console.frame import actor_of, back_to, page, picked, refused, staff
from boss.console.presenters import tickets as tickets_present
from boss.console.presenters import time as present
from boss.console.views.tickets import ticket_page
from boss.core import clock, exports, permissions
from boss.core.problems import Problem
from boss.look.templatetags.look import money
from boss.tenancy import selectors as tenancy
from subscribers import selectors as subscribers
from ticketing import costs, selectors, timesheet
from ticketing.choices import Activity
from ticketing.services import time

WORDS = {
    "person": gettext_lazy("Person"),
    "pool": gettext_lazy("Talent pool"),
    "category": gettext_lazy("Category"),
    "account": gettext_lazy("Account"),
    "activity": gettext_lazy("Activity"),
}
SPANS = {"7": gettext_lazy("7 days"), "30": gettext_lazy("30 days"), "90": gettext_lazy("90 days")}


@staff("ticketing.add_timeentry")
@require_POST
def start(request: HttpRequest, public_id: str) -> HttpResponse:
    """Let one's timer run on this ticket; one that runs elsewhere is written down first."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    try:
        time.start_timer(actor=actor, ticket=found)
    except Problem as problem:
        refused(request, problem)
        running = timesheet.find_timer(actor)
        return redirect(tickets_present.url_of(running.ticket if running else found) + "#time")
    return redirect(f"{tickets_present.url_of(found)}#time")


@staff("ticketing.add_timeentry")
@require_POST
def stop(request: HttpRequest, public_id: str) -> HttpResponse:
    """End one's timer on this ticket and write it down, or throw it away."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    if request.POST.get("act") == "discard":
        time.discard_timer(actor=actor)
        messages.success(request, _("The timer is stopped and nothing was written down."))
        return redirect(f"{tickets_present.url_of(found)}#time")
    form = TimeForm(request.POST, timed=True)
    if not form.is_valid():
        return ticket_page(request, found, status=422, time_form=form)
    given = form.cleaned_data
    try:
        entry = time.stop_timer(
            actor=actor,
            seconds=given["minutes"],
            activity=given["activity"],
            is_billable=given["is_billable"],
            note=given["note"],
        )
    except Problem as problem:
        form.add_problem(problem)
        return ticket_page(request, found, status=problem.status, time_form=form)
    messages.success(request, _("Written down: %(time)s.") % {"time": present.clock_of(entry.seconds)})
    return redirect(f"{tickets_present.url_of(found)}#time")


@staff("ticketing.add_timeentry")
@require_POST
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write down time by hand."""
    actor = actor_of(request)
    found = selectors.get_ticket(actor, public_id)
    form = TimeForm(request.POST)
    if not form.is_valid():
        return ticket_page(request, found, status=422, time_form=form)
    given = form.cleaned_data
    try:
        time.add(
            actor=actor,
            ticket=found,
            seconds=given["minutes"],
            activity=given["activity"],
            is_billable=given["is_billable"],
            note=given["note"],
        )
    except Problem as problem:
        form.add_problem(problem)
        return ticket_page(request, found, status=problem.status, time_form=form)
    messages.success(request, _("Written down: %(time)s.") % {"time": present.clock_of(given["minutes"])})
    return redirect(f"{tickets_present.url_of(found)}#time")


@staff("ticketing.add_timeentry")
@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, public_id: str) -> HttpResponse:
    """Say what an entry really was: the difference becomes an entry of its own."""
    actor = actor_of(request)
    entry = timesheet.get_entry(actor, public_id)
    form = CorrectForm(request.POST or None, initial={"minutes": present.clock_of(entry.counted)})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = form.cleaned_data
            try:
                time.correct(actor=actor, entry=entry, seconds=given["minutes"], note=given["note"])
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Corrected. The first entry stays to be read."))
                return back_to(request, f"{tickets_present.url_of(entry.ticket)}#time")
    context = {
        "entry": entry,
        "spent": present.clock_of(entry.counted),
        "ticket_url": tickets_present.url_of(entry.ticket),
        "form": form,
    }
    return page(request, "time/correct.html", context, section="time", status=status)


@staff("ticketing.add_timeentry")
@require_GET
def my_time(request: HttpRequest) -> HttpResponse:
    """One's own week, day by day."""
    actor = actor_of(request)
    zone = timezone.get_current_timezone()
    monday = _monday(request.GET.get("week", ""), clock.now().astimezone(zone).date())
    begins = dt.datetime.combine(monday, dt.time(), zone)
    ends = dt.datetime.combine(monday + dt.timedelta(days=7), dt.time(), zone)
    entries = timesheet.list_worked(actor, actor.user_id, begins, ends) if actor.user_id else []
    week = present.days(monday, entries, zone)
    running = timesheet.find_timer(actor)
    context = {
        "days": week,
        "total": present.clock_of(timesheet.seconds_of(entries)),
        "is_empty": not entries,
        "before": monday - dt.timedelta(days=7),
        "after": monday + dt.timedelta(days=7),
        "sunday": monday + dt.timedelta(days=6),
        "monday": monday,
        "running": running,
        "running_url": f"{tickets_present.url_of(running.ticket)}#time" if running else "",
        "may_see_all": permissions.may(actor, "ticketing.correct_timeentry"),
    }
    return page(request, "time/week.html", context, section="time")


@staff("ticketing.correct_timeentry")
@require_GET
def totals(request: HttpRequest) -> HttpResponse:
    """What everybody's time came to, by person, pool, category, account or activity."""
    actor = actor_of(request)
    by = picked(request, "by", WORDS, first="person", whole="person")
    days = picked(request, "days", SPANS, first="30", whole="30")
    until = clock.now()
    since = until - dt.timedelta(days=int(days))
    if request.GET.get("as") == "csv":
        return _file(request, by, days, time.hand_out_totals(actor=actor, by=by, since=since, until=until))  # type: ignore[arg-type]
    found = timesheet.totals(actor, by=by, since=since, until=until)  # type: ignore[arg-type]
    names = _names(request, by, [total.key for total in found])
    currency = tenancy.get_realm(actor.realm_id).currency
    rows = [
        {
            "name": names.get(total.key) or total.name,
            "spent": present.clock_of(total.seconds),
            "billable": present.clock_of(total.billable),
            "entries": total.entries,
            "cost": money(costs.money_of(total.cost), currency),
            "uncosted": present.clock_of(total.uncosted) if total.uncosted else "",
        }
        for total in found
    ]
    context = {
        "rows": rows,
        "by": by,
        "days": days,
        "word": WORDS[by],
        "groups": WORDS.items(),
        "spans": SPANS.items(),
        "total": present.clock_of(sum(total.seconds for total in found)),
        "may_see_costs": costs.may_see(actor),
        "cost": money(_cost_of(found), currency),
    }
    return page(request, "time/totals.html", context, section="time")


def _file(request: HttpRequest, by: str, days: str, found: list[timesheet.Total]) -> HttpResponse:
    """The same lines for a spreadsheet; times in hours with a fraction, as those reckon."""
    names = _names(request, by, [total.key for total in found])
    with_costs = costs.may_see(actor_of(request))
    heads = [str(WORDS[by]), _("Hours"), _("Hours that can be billed"), _("Entries")]
    if with_costs:
        currency = tenancy.get_realm(actor_of(request).realm_id).currency
        heads += [_("Cost (%(currency)s)") % {"currency": currency}, _("Hours without a rate")]
    lines = [exports.csv_line(heads)]
    for total in found:
        line: list[object]
        hours = (round(seconds / 3600, 4) for seconds in (total.seconds, total.billable))
        line = [names.get(total.key) or total.name or _("None"), *hours, total.entries]
        if with_costs:
            cost = costs.money_of(total.cost)
            line += ["" if cost is None else cost, round((total.uncosted or 0) / 3600, 4)]
        lines.append(exports.csv_line(line))
    return exports.as_download(f"time-{by}-{days}-days.csv", "text/csv; charset=utf-8", "".join(lines).encode())


def _cost_of(found: list[timesheet.Total]) -> Decimal | None:
    """What all of it cost, added up before it is rounded; None when no rate was known at all."""
    known = [total.cost for total in found if total.cost is not None]
    return costs.money_of(sum(known, Decimal(0))) if known else None


def _names(request: HttpRequest, by: str, keys: list[object]) -> dict[object, str]:
    """Words for keys that have no name of their own among the desk's rows."""
    if by == "activity":
        return {key: str(word) for key, word in Activity.choices}
    if by == "account":
        wanted = [key for key in keys if isinstance(key, int)]
        rows = subscribers.list_accounts(actor_of(request)).filter(pk__in=wanted)
        return {account.pk: f"{account.name} · {account.number}" for account in rows}
    return {}


def _monday(asked: str, today: dt.date) -> dt.date:
    """The Monday of the week somebody asks for (any day of it, ISO), else of this one."""
    try:
        day = dt.date.fromisoformat(asked)
    except ValueError:
        day = today
    if not dt.date(2000, 1, 1) <= day <= today + dt.timedelta(days=366):
        day = today
    return day - dt.timedelta(days=day.weekday())
