"""What happened to my account: sign-ins and changes. Who looked at it, by name and reason, stands in ``visits``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from boss.core import audit_trail, scoping
from boss.core.models import AuditEntry
from boss.core.views import requires
from boss.look import pages
from boss.look.deeds import YOURS
from subscribers import selectors as subscribers

PAGE = 25


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    text: str
    who: str
    address: str


@requires("core.use_selfhelp", customers=True)
@never_cache
def history(request: HttpRequest) -> HttpResponse:
    """Newest first. Our people stay nameless here; one's own addresses are shown, nobody else's."""
    actor = request.actor  # type: ignore[attr-defined]
    account = subscribers.find_my_account(actor)
    subjects = {"tenancy.user": [actor.user_id], "subscribers.account": [account.pk] if account else []}
    rows = audit_trail.of_person(actor.user_id, subjects, tuple(YOURS))

    def line(entry: AuditEntry) -> Line:
        mine = entry.actor_kind == "user" and entry.actor_id == actor.user_id
        who = _("You") if mine else "" if entry.actor_kind in ("system", "visitor") else request.realm.name  # type: ignore[attr-defined]
        return Line(entry.at, str(YOURS[entry.action]), who, (entry.address or "") if mine else "")

    with scoping.as_application():  # the trail is the provider's; these rows of it are about him
        page = pages.newest_first(rows, request.GET.get("after", ""), PAGE).map(line)
    return render(request, "portals/selfhelp/history.html", {"page": page, "here": "history"})
