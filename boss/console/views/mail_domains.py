"""Is a mailbox's domain set up? Asked of DNS by a button, shown, and kept nowhere."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from boss.console.frame import actor_of, page, staff
from boss.core.problems import Problem
from boss.look.forms import BossForm
from ticketing import mailroom
from ticketing.mail.domain import RecordKind, RecordState
from ticketing.services.mail import domains

_TONES = {
    RecordState.RIGHT: ("ok", "circle-check"),
    RecordState.WRONG: ("bad", "alert-triangle"),
    RecordState.MISSING: ("bad", "x"),
    RecordState.UNANSWERED: ("wait", "clock"),
    RecordState.UNJUDGED: ("idle", "eye"),
}
_MEANT = {
    RecordKind.MX: _("Which server takes mail for the domain. Without it, nobody can write to you."),
    RecordKind.SPF: _("Which servers may send in the name of the domain. Without it, answers end up as junk."),
    RecordKind.DKIM: _("The key by which others see that a mail is yours and was not changed on its way."),
    RecordKind.DMARC: _("What others do with mail that only pretends to be yours."),
}


class DomainForm(BossForm):
    selector = forms.CharField(
        label=_("DKIM selector"), max_length=200,
        help_text=_("The name of the key that the mail server signs with; it shows it with the key."),
        error_messages={"required": _("Enter the name of the key.")},
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )  # fmt: skip


@staff("ticketing.manage_mailboxes")
@require_http_methods(["GET", "POST"])
def mail_domain(request: HttpRequest, public_id: str) -> HttpResponse:
    """What the domain's records say. Asking changes nothing, so the answer is this very page."""
    actor = actor_of(request)
    box = mailroom.get_mailbox(actor, public_id)
    given = request.POST if request.method == "POST" else None
    form = DomainForm(given, initial={"selector": settings.BOSS_MAIL_DKIM_SELECTOR})
    status, report = 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                report = domains.check(actor=actor, mailbox=box, selector=form.cleaned_data["selector"])
                status = 200
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
    rows = [(each, *_TONES[each.state], _MEANT[each.kind]) for each in report.findings] if report else []
    context = {"box": box, "form": form, "report": report, "rows": rows, "meant": [*_MEANT.items()]}
    return page(request, "mail/domain.html", context, section="tickets", status=status)
