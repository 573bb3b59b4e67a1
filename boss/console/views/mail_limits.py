"""How much of a mail the provider takes in (rule E3)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from boss.console.forms.mail_limits import MailLimitsForm
from boss.console.frame import actor_of, page, staff
from boss.core.problems import Problem
from ticketing import mail_limits
from ticketing.services.mail import limiting


@staff("ticketing.manage_mailboxes")
@require_http_methods(["GET", "POST"])
def mail_limits_page(request: HttpRequest) -> HttpResponse:
    actor = actor_of(request)
    form = MailLimitsForm(request.POST or None, initial=mail_limits.of_realm(actor.realm_id).to_json())
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                limiting.set_limits(actor=actor, wanted=form.limits)
            except Problem as problem:
                form.add_problem(problem)
                status = problem.status
            else:
                messages.success(request, _("Kept. They hold from the next mail on."))
                return redirect("console:mail_limits")
    return page(request, "mail/limits.html", {"form": form}, section="tickets", status=status)
