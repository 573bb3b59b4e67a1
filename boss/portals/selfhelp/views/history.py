"""What happened to my account: sign-ins, changes, who looked at it as if he were me."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from boss.core import audit_trail, scoping
from boss.core.models import AuditEntry
from boss.core.views import requires
from boss.look import pages
from subscribers import selectors as subscribers

PAGE = 25

SENTENCES = {
    "user.created": gettext_lazy("Your log-in was made"),
    "user.password_set": gettext_lazy("Your password was changed"),
    "user.changed": gettext_lazy("Your details were changed"),
    "user.signed_in": gettext_lazy("Signed in"),
    "user.signed_out": gettext_lazy("Signed out"),
    "user.sign_in_refused": gettext_lazy("A sign-in was refused"),
    "user.session_ended": gettext_lazy("A session was ended"),
    "user.acted_as": gettext_lazy("Somebody of ours looked at your pages as you see them"),
    "account.opened": gettext_lazy("Your account was opened"),
    "account.activated": gettext_lazy("Your account became active"),
    "account.changed": gettext_lazy("Your account was changed"),
    "account.contact_added": gettext_lazy("A contact was added"),
    "account.user_added": gettext_lazy("A log-in was given to your account"),
    "account.user_withdrawn": gettext_lazy("A log-in was taken from your account"),
    "account.pin_set": gettext_lazy("Your phone PIN was set"),
    "account.suspended": gettext_lazy("Your account was suspended"),
    "account.resumed": gettext_lazy("Your account was resumed"),
    "account.closed": gettext_lazy("Your account was closed"),
    "order.submitted": gettext_lazy("An order was placed"),
    "order.completed": gettext_lazy("An order was completed"),
    "order.cancelled": gettext_lazy("An order was cancelled"),
    "privacy.export_asked": gettext_lazy("A copy of your data was asked for"),
    "privacy.export_fetched": gettext_lazy("A copy of your data was fetched"),
}
"""What a subscriber is told of. Nothing else of the trail leaves the provider."""


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
    rows = audit_trail.of_person(actor.user_id, subjects, tuple(SENTENCES))

    def line(entry: AuditEntry) -> Line:
        mine = entry.actor_kind == "user" and entry.actor_id == actor.user_id
        who = _("You") if mine else "" if entry.actor_kind in ("system", "visitor") else request.realm.name  # type: ignore[attr-defined]
        return Line(entry.at, str(SENTENCES[entry.action]), who, (entry.address or "") if mine else "")

    with scoping.as_application():  # the trail is the provider's; these rows of it are about him
        page = pages.newest_first(rows, request.GET.get("after", ""), PAGE).map(line)
    return render(request, "portals/selfhelp/history.html", {"page": page, "here": "history"})
