"""What an account owes and has paid, and its case when it is behind."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from boss.console.forms.money import PaymentForm
from boss.console.frame import actor_of, page, staff
from boss.console.presenters import accounts as present
from boss.console.presenters.marks import COLLECTION, mark
from boss.core import clock
from boss.core.problems import Problem
from boss.look.templatetags.look import money as told
from boss.tenancy import selectors as tenancy
from boss.tenancy import signing_in
from subscribers import selectors
from subscribers.choices import CollectionState
from subscribers.models import Account
from subscribers.services import billing

SHOWN = 24
"""Statements, payments and cases, the newest of each."""


@staff("subscribers.view_statement")
@require_GET
def money(request: HttpRequest, public_id: str) -> HttpResponse:
    """Statements, payments, what is overdue, and how far the case is."""
    return _money_page(request, selectors.get_account(actor_of(request), public_id))


def _money_page(
    request: HttpRequest, account: Account, *, status: int = 200, form: PaymentForm | None = None
) -> HttpResponse:
    actor = actor_of(request)
    currency = tenancy.get_realm(actor.realm_id).currency
    owed, late = billing.balance(account), billing.overdue(account, clock.today())
    if form is None and actor.holds("subscribers.collect"):
        form = PaymentForm(initial={"amount": late.amount if late else owed if owed > 0 else None})
    cases = [
        {
            "row": case,
            "mark": mark(COLLECTION, case.state),
            "amount": told(case.amount, case.currency),
            "is_open": case.state == CollectionState.OPEN,
        }
        for case in selectors.list_collections(actor, account)[:SHOWN]
    ]
    context = {
        "account": account,
        "account_url": present.url_of(account),
        "balance": told(abs(owed), currency),
        "is_ahead": owed < 0,
        "late": late,
        "late_amount": told(late.amount, currency) if late else "",
        "cases": cases,
        "may_see_runs": actor.holds("workflow.view_run"),
        "statements": [
            {"row": row, "total": told(row.total, row.currency)}
            for row in selectors.list_statements(actor, account)[:SHOWN]
        ],
        "payments": [
            {"row": row, "amount": told(row.amount, row.currency)}
            for row in selectors.list_payments(actor, account)[:SHOWN]
        ],
        "form": form,
    }
    return page(request, "accounts/money.html", context, section="accounts", status=status)


@staff("subscribers.collect")
@require_POST
@signing_in.recently_proven
def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    """Write down money that came in. When nothing is overdue any more, the case is settled by itself."""
    actor = actor_of(request)
    account = selectors.get_account(actor, public_id)
    form = PaymentForm(request.POST)
    if not form.is_valid():
        return _money_page(request, account, status=422, form=form)
    given = form.cleaned_data
    key = f"console:{actor.user_id}:{given['once']}" if given["once"] else None
    try:
        payment = billing.receive(
            actor=actor, account=account, amount=given["amount"], paid_by=given["paid_by"],
            reference=given["reference"], key=key,
        )  # fmt: skip
    except Problem as problem:
        form.add_problem(problem)
        return _money_page(request, account, status=problem.status, form=form)
    messages.success(request, _("%(amount)s is written down.") % {"amount": told(payment.amount, payment.currency)})
    return redirect("console:account_money", account.public_id)
