"""What an account owes and has paid, on a page: money is written down once, and by who may."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from boss.core import clock
from boss.core.actors import Actor
from subscribers.models import Account, Collection, Payment, Subscription
from subscribers.services import billing
from tests.cast import Cast, make_user
from tests.console.test_changes import market, served
from tests.portals.conftest import shop
from tests.portals.visiting import hidden, message_beside, words

__all__ = ["market", "served", "shop"]


@pytest.fixture
def late(served: Subscription, system: Actor) -> Account:
    """Maria's account, behind with 36 dollars since five days, and followed up."""
    today, account = clock.today(), served.account
    billing.issue(
        actor=system, account=account, period_from=today, period_to=today + dt.timedelta(days=30),
        due_on=today - dt.timedelta(days=5),
    )  # fmt: skip
    Collection.objects.create(
        account=account, overdue_since=today - dt.timedelta(days=5), amount="36.00", currency="USD"
    )
    return account


@pytest.fixture
def bea(cast: Cast) -> Any:
    """Of billing."""
    return make_user(cast.alpha, "bea@alpha.example", "Bea Billing", "billing")


def test_what_is_overdue_and_followed_up_is_shown(late: Account, bea: Any, browser_of: Any) -> None:
    browser, path = browser_of(bea), f"/console/accounts/{late.public_id}/money/"
    assert path in browser.get(f"/console/accounts/{late.public_id}/").content.decode()
    answer = browser.get(path)
    page = words(answer)
    assert "$36.00 is overdue since" in page and "Being followed up" in page and "Owes $36.00" in page
    assert answer.context["form"]["amount"].value() == Decimal("36.00"), "what is overdue is filled in"


def test_a_payment_is_written_down_once_however_often_it_is_sent(late: Account, bea: Any, browser_of: Any) -> None:
    browser, path = browser_of(bea), f"/console/accounts/{late.public_id}"
    typed = {**hidden(browser.get(f"{path}/money/")), "amount": "36.00", "paid_by": "cheque", "reference": "No. 7"}
    for _click in range(2):
        assert browser.post(f"{path}/payments/", typed)["Location"] == f"{path}/money/"
    payment = Payment.objects.get()
    assert (payment.amount, payment.paid_by, payment.reference) == (Decimal("36.00"), "cheque", "No. 7")
    assert "overdue" not in words(browser.get(f"{path}/money/")).split("Collection")[0]


def test_an_amount_that_is_none_is_refused_and_stays_in_the_form(late: Account, bea: Any, browser_of: Any) -> None:
    path = f"/console/accounts/{late.public_id}/payments/"
    for wrong in ("0", "-5", "ten", ""):
        answer = browser_of(bea).post(path, {"amount": wrong, "paid_by": "cash", "reference": "Receipt 12"})
        assert answer.status_code == 422 and message_beside(answer, "amount")
        assert f'value="{wrong}"' in answer.content.decode() or not wrong
        assert "Receipt 12" in answer.content.decode()
    assert not Payment.objects.exists()


def test_bob_sees_the_money_but_takes_none_and_charlie_finds_nothing(
    late: Account, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    path, typed = f"/console/accounts/{late.public_id}", {"amount": "36.00", "paid_by": "cash"}
    bob = browser_of(cast.bob)
    assert "Money came in" not in words(bob.get(f"{path}/money/"))
    assert bob.post(f"{path}/payments/", typed).status_code == 403
    assert browser_of(cast.charlie).get(f"{path}/money/").status_code == 404
    assert browser_of(cast.charlie).post(f"{path}/payments/", typed).status_code == 404
    assert not Payment.objects.exists()
    assert len(asked := statements_of(bob, f"{path}/money/")) <= 13, "\n".join(asked)
