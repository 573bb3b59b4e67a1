"""Business calendars: when a provider works, and what that means for the next days."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from boss.console.forms.calendars import CalendarForm
from boss.console.frame import actor_of, page, refused, staff
from boss.core import clock
from boss.core.actors import Actor
from boss.core.calendars import BusinessCalendar
from boss.core.problems import Problem
from boss.tenancy import selectors
from boss.tenancy.models import Calendar
from boss.tenancy.services import calendars
from ticketing.policies import VIEW as MANAGE_POLICIES
from ticketing.policies import open_by_calendar
from ticketing.services import policies

OPENINGS_SHOWN = 7
AHEAD = (1, 4, 8, 16, 40)
"""Working hours from now, of which the end is shown."""


@staff("tenancy.change_calendar")
@require_GET
def calendar_list(request: HttpRequest) -> HttpResponse:
    """The provider's calendars, and whether each is open now."""
    now = clock.now()
    rows = []
    for calendar in selectors.list_calendars():
        nearest = next(iter(selectors.as_hours(calendar).openings(now, 1)), None)
        rows.append({"calendar": calendar, "nearest": nearest, "is_open": nearest is not None and nearest[0] <= now})
    return page(request, "calendars/list.html", {"rows": rows}, section="workflows")


@staff("tenancy.change_calendar")
@require_http_methods(["GET", "POST"])
def calendar_new(request: HttpRequest) -> HttpResponse:
    return _edit(request, None)


@staff("tenancy.change_calendar")
@require_http_methods(["GET", "POST"])
def calendar(request: HttpRequest, key: str) -> HttpResponse:
    """Its week and closed days; "Preview" shows what they would mean without keeping them."""
    return _edit(request, selectors.get_calendar(key))


def _edit(request: HttpRequest, found: Calendar | None) -> HttpResponse:
    actor = actor_of(request)
    affected = open_by_calendar(found.key).count() if found is not None and actor.holds(MANAGE_POLICIES) else 0
    form = CalendarForm(
        request.POST if request.method == "POST" else None, calendar=found, asks_about_tickets=bool(affected)
    )
    shown = selectors.as_hours(found) if found is not None else None
    status = 200
    if request.method == "POST":
        status, shown = 422, None
        if form.is_valid():
            key = found.key if found is not None else form.cleaned_data["key"]
            if found is None and selectors.find_calendar(key) is not None:
                form.add_error("key", _("There is a calendar with this key already."))
            elif "preview" in request.POST:
                shown = _as_typed(form, key, actor.realm_id)
                status = 200 if shown is not None else 422
            else:
                try:
                    calendars.define(actor=actor, key=key, **form.values)
                except Problem as problem:
                    form.add_problem(problem)
                    status = problem.status
                else:
                    _tell_kept(request, actor, key, form.cleaned_data.get("open_tickets", "leave"))
                    return redirect("console:calendar", key)
    preview = _preview(shown) if shown is not None else None
    context = {"calendar": found, "form": form, "preview": preview, "affected": affected}
    return page(request, "calendars/calendar.html", context, section="workflows", status=status)


def _tell_kept(request: HttpRequest, actor: Actor, key: str, open_tickets: str) -> None:
    """Say what became of tickets that count by these hours. Where they cannot be agreed anew they stay as they were."""
    changed = 0
    try:
        if open_tickets != "leave":
            changed = policies.hours_changed(actor=actor, calendar_key=key, open_tickets=open_tickets)
    except Problem as problem:
        refused(request, problem)
    if changed:
        told = ngettext("Kept. %(n)d ticket was agreed anew.", "Kept. %(n)d tickets were agreed anew.", changed)
        messages.success(request, told % {"n": changed})
    else:
        messages.success(request, _("Kept. What is due already stays due."))


def _as_typed(form: CalendarForm, key: str, realm_id: int) -> BusinessCalendar | None:
    typed = Calendar(key=key, realm_id=realm_id, **form.values)
    try:
        typed.clean()
    except ValidationError as error:
        for name, texts in error.message_dict.items():
            form.add_error("day_mon" if name == "weekly" else name, texts)
        return None
    return selectors.as_hours(typed)


def _preview(hours: BusinessCalendar) -> dict[str, Any]:
    """In the calendar's own zone, whatever that of the reader is."""
    now, zone = clock.now(), ZoneInfo(hours.zone)

    def told(moment: dt.datetime, form: str) -> str:
        return formats.date_format(moment.astimezone(zone), form)

    return {
        "zone": hours.zone,
        "openings": [
            (told(opens, "D, j M Y"), told(opens, "H:i"), told(closes, "H:i"))
            for opens, closes in hours.openings(now, OPENINGS_SHOWN)
        ],
        "ends": [(count, told(hours.add(now, dt.timedelta(hours=count)), "D, j M Y, H:i")) for count in AHEAD],
    }
