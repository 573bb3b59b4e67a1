"""What an hour costs, on the pages: set by managers who prove that it is they, seen by nobody without the right."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from boss.tenancy.models import User
from boss.tenancy.services import roles, users
from tests.cast import Cast, actor_of, make_user
from ticketing.models import CostRate, Ticket
from ticketing.services import categories, costs, pools, tickets, time

HERE = "/console/time/rates/"
TOTALS = "/console/time/totals/"


@pytest.fixture
def ticket(alpha: Any, system: Any) -> Ticket:
    pool = pools.create(actor=system, key="noc", name="Network")
    categories.create(actor=system, key="fault", name="Fault", default_pool=pool)
    return tickets.open(actor=system, category_key="fault", title="No internet", body="Line is dead.")


@pytest.fixture
def mona(cast: Cast) -> User:
    return make_user(cast.alpha, "mona@alpha.example", "Mona Moss", "manager")


def test_a_manager_sets_rates_and_reads_what_time_has_cost(
    ticket: Ticket, mona: User, cast: Cast, browser_of: Any
) -> None:
    browser = browser_of(mona)
    assert "No rates yet" in browser.get(HERE).content.decode() and HERE in browser.get(TOTALS).content.decode()
    for whose, per_hour in (("all", "30"), ("pool:noc", "45.5"), (f"user:{cast.bob.public_id}", "")):
        typed = {"whose": whose, "per_hour": per_hour, "valid_from": "2020-01-01"}
        page = browser.post(HERE, typed, follow=True).content.decode()
        assert "Time written down before keeps its rate." in page
    for said in ("Everybody", "$30.00", "Network", "$45.50", "Bob Baker", "none of their own", "Mona Moss"):
        assert said in page
    time.add(actor=actor_of(cast.bob), ticket=ticket, seconds=7200)
    page = browser.get(TOTALS, {"by": "pool"}).content.decode()
    assert page.count("$91.00") == 2, "of the pool, and of all"
    lines = browser.get(TOTALS, {"by": "pool", "as": "csv"}).content.decode().splitlines()
    assert lines[1] == "Network,2.0,0.0,1,91.00,0.0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"per_hour": "much"}, "Enter an amount like 54.95."), ({"per_hour": "-1"}, "greater than or equal to 0"),
        ({"per_hour": "1.005"}, "2 decimal places"), ({"valid_from": ""}, "Choose the day."),
        ({"valid_from": "1999-12-31"}, "Enter a day from 2000 to 2099."), ({"whose": "user:nobody"}, "Select a valid"),
    ],
)  # fmt: skip
def test_what_is_no_rate_is_said_beside_its_field_and_the_rest_stays(
    alpha: Any, mona: User, browser_of: Any, given: dict[str, str], said: str
) -> None:
    typed = {"whose": "all", "per_hour": "44.44", "valid_from": "2025-02-03", **given}
    answer = browser_of(mona).post(HERE, typed)
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and not CostRate.objects.exists()
    assert all(value in page for name, value in typed.items() if name not in given and name != "whose")


def test_reading_asks_for_no_new_proof_and_setting_does(alpha: Any, mona: User, browser_of: Any) -> None:
    old = browser_of(mona, proven=False)
    assert old.get(HERE).status_code == 200
    answer = old.post(HERE, {"whose": "all", "per_hour": "44", "valid_from": "2025-02-03"})
    assert answer.status_code == 302 and "next=" in answer["Location"] and not CostRate.objects.exists()


def test_who_may_correct_times_and_not_see_costs_sees_none(
    ticket: Ticket, mona: User, cast: Cast, system: Any, browser_of: Any
) -> None:
    costs.set_rate(actor=actor_of(mona), per_hour=Decimal("45.50"), valid_from=dt.date(2020, 1, 1))
    time.add(actor=actor_of(cast.bob), ticket=ticket, seconds=7200)
    roles.create(
        actor=system, name="Lead",
        permissions=["core.use_console", "ticketing.view_ticket", "ticketing.view_timeentry",
                     "ticketing.add_timeentry", "ticketing.correct_timeentry"],
    )  # fmt: skip
    tess = browser_of(make_user(cast.alpha, "tess@alpha.example", "Tess Team", "lead"))
    page = tess.get(TOTALS)
    assert page.status_code == 200 and "2:00" in page.content.decode()
    for told in (page, tess.get(TOTALS, {"as": "csv"})):
        assert not any(word in told.content.decode() for word in ("91.00", "45.50", "Cost", HERE))
    assert tess.get(HERE).status_code == 403 and browser_of(cast.bob).get(HERE).status_code == 403


def test_who_only_reads_rates_has_no_form_and_sets_none(
    alpha: Any, mona: User, cast: Cast, system: Any, browser_of: Any
) -> None:
    costs.set_rate(actor=actor_of(mona), per_hour=Decimal("45.50"), valid_from=dt.date(2020, 1, 1))
    roles.create(actor=system, name="Books", permissions=["core.use_console", "ticketing.view_costrate"])
    reader = browser_of(make_user(cast.alpha, "rita@alpha.example", "Rita Reads", "books"))
    page = reader.get(HERE).content.decode()
    assert "$45.50" in page and "rate-h" not in page
    assert reader.post(HERE, {"whose": "all", "per_hour": "1", "valid_from": "2025-02-03"}).status_code == 403
    assert CostRate.objects.count() == 1


def test_charlie_sees_no_rate_of_alpha(ticket: Ticket, mona: User, cast: Cast, browser_of: Any) -> None:
    costs.set_rate(actor=actor_of(mona), per_hour=Decimal("45.50"), valid_from=dt.date(2020, 1, 1), user=cast.bob)
    page = browser_of(cast.charlie).get(HERE).content.decode()
    assert "No rates yet" in page and "Bob Baker" not in page and "45.50" not in page


def test_who_has_left_is_offered_no_more_and_his_rates_stay(
    alpha: Any, mona: User, cast: Cast, system: Any, browser_of: Any
) -> None:
    costs.set_rate(actor=actor_of(mona), per_hour=Decimal("45.50"), valid_from=dt.date(2020, 1, 1), user=cast.bob)
    users.deactivate(actor=system, user=cast.bob)
    page = browser_of(mona).get(HERE).content.decode()
    assert "Bob Baker" in page and f"user:{cast.bob.public_id}" not in page


def test_the_page_asks_as_much_for_thirty_rates_as_for_one(
    alpha: Any, mona: User, cast: Cast, browser_of: Any, statements_of: Any
) -> None:
    browser, set_by = browser_of(mona), actor_of(mona)
    costs.set_rate(actor=set_by, per_hour=Decimal(1), valid_from=dt.date(2020, 1, 1), user=cast.bob)
    few = len(statements_of(browser, HERE))
    for _each in range(30):
        costs.set_rate(actor=set_by, per_hour=Decimal(1), valid_from=dt.date(2020, 1, 1), user=cast.alice)
    assert len(statements_of(browser, HERE)) == few <= 9
