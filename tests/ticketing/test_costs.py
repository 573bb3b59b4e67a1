"""Time keeps what it cost when it was written down, adds up to the cent, and only managers read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test.utils import CaptureQueriesContext

from boss.core import clock
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Message as Mail
from boss.tenancy.models import User
from boss.tenancy.services import roles, users
from tests.cast import actor_of, make_user
from tests.ticketing.test_api import Person
from ticketing import costs, timesheet
from ticketing.models import CostRate, TimeEntry
from ticketing.reports.asking import Wanted
from ticketing.reports.running import run
from ticketing.services import reports, time
from ticketing.services.costs import set_rate

LONG_AGO = dt.date(2020, 1, 1)


@pytest.fixture
def manager(alpha) -> User:
    return make_user(alpha, "mona@alpha.example", "Mona Moss", "manager")


def total_of(user, by="person"):
    now = clock.now()
    return timesheet.totals(actor_of(user), by=by, since=now - dt.timedelta(days=9), until=now + dt.timedelta(days=1))


def test_a_persons_rate_counts_before_the_pools_and_that_before_everybodys(hers, nora, manager) -> None:
    boss = actor_of(manager)
    rates = []
    for whose in ({}, {"pool": hers.pool}, {"user": nora}):
        time.add(actor=actor_of(nora), ticket=hers, seconds=60)
        set_rate(actor=boss, per_hour=Decimal(10 + 10 * len(whose) + len(rates)), valid_from=LONG_AGO, **whose)
        rates.append(CostRate.objects.latest("pk").per_hour)
    time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    set_rate(actor=boss, per_hour=None, valid_from=LONG_AGO, user=nora)
    time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    kept = list(TimeEntry.objects.order_by("pk").values_list("cost_rate", flat=True))
    assert kept == [None, *rates, rates[1]], "a rate set later leaves what was written down alone"


def test_the_rate_is_the_one_of_the_day_the_work_began_where_the_provider_is(hers, nora, manager, monkeypatch) -> None:
    set_rate(actor=actor_of(manager), per_hour=Decimal(30), valid_from=dt.date(2026, 11, 1))
    set_rate(actor=actor_of(manager), per_hour=Decimal(40), valid_from=dt.date(2026, 11, 10))
    monkeypatch.setattr(clock, "now", lambda: dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC))
    for began, rate in (
        (dt.datetime(2026, 10, 20, tzinfo=dt.UTC), None),
        (dt.datetime(2026, 11, 5, tzinfo=dt.UTC), 30),
        (dt.datetime(2026, 11, 12, tzinfo=dt.UTC), 40),
    ):
        assert time.add(actor=actor_of(nora), ticket=hers, seconds=60, started_at=began).cost_rate == rate


def test_the_last_word_for_a_day_counts(hers, nora, manager) -> None:
    for rate in (50, 45):
        set_rate(actor=actor_of(manager), per_hour=Decimal(rate), valid_from=LONG_AGO)
    assert time.add(actor=actor_of(nora), ticket=hers, seconds=60).cost_rate == 45
    assert CostRate.objects.count() == 2


def test_a_correction_carries_the_rate_of_its_entry(hers, nora, manager) -> None:
    set_rate(actor=actor_of(manager), per_hour=Decimal(36), valid_from=LONG_AGO)
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=7200)
    set_rate(actor=actor_of(manager), per_hour=Decimal(99), valid_from=LONG_AGO)
    assert time.correct(actor=actor_of(nora), entry=entry, seconds=3600, note="Half of it").cost_rate == 36
    [total] = total_of(manager)
    assert costs.money_of(total.cost) == Decimal("36.00") and total.uncosted == 0


def test_many_small_times_add_up_before_anything_is_rounded(hers, nora, manager) -> None:
    set_rate(actor=actor_of(manager), per_hour=Decimal("0.05"), valid_from=LONG_AGO)
    for _each in range(10):
        time.add(actor=actor_of(nora), ticket=hers, seconds=360)
    for by in timesheet.GROUPS:
        [total] = total_of(manager, by)
        assert total.cost == Decimal("180") and costs.money_of(total.cost) == Decimal("0.05"), by


def test_time_without_a_rate_is_told_apart_from_time_that_costs_nothing(hers, nora, manager) -> None:
    time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    [total] = total_of(manager)
    assert total.cost is None and total.uncosted == 60
    set_rate(actor=actor_of(manager), per_hour=Decimal(0), valid_from=LONG_AGO)
    time.add(actor=actor_of(nora), ticket=hers, seconds=30)
    [total] = total_of(manager)
    assert total.cost == 0 and total.uncosted == 60


def test_totals_and_the_report_take_no_more_statements_with_costs_than_without(hers, nora, manager) -> None:
    time.add(actor=actor_of(nora), ticket=hers, seconds=60)
    took = []
    for actor in (actor_of(manager), without_costs(actor_of(manager))):
        with CaptureQueriesContext(connection) as asked:
            timesheet.totals(actor, by="pool", since=clock.now() - dt.timedelta(days=1), until=clock.now())
            run(actor, "time", Wanted(days=7))
        took.append(len(asked))
    assert took[0] == took[1]


def test_the_report_shows_costs_to_those_who_may_see_them_and_to_nobody_else(hers, nora, manager) -> None:
    set_rate(actor=actor_of(manager), per_hour=Decimal("45.50"), valid_from=LONG_AGO)
    time.add(actor=actor_of(nora), ticket=hers, seconds=7200)
    table = run(actor_of(manager), "time", Wanted(days=7)).table("person")
    assert "cost" in [column.key for column in table.columns] and table.rows[0].cells["cost"].value == "91.00"
    told = run(without_costs(actor_of(manager)), "time", Wanted(days=7))
    for table in told.tables:
        assert "cost" not in [column.key for column in table.columns]
        assert not any("cost" in row.cells or "uncosted" in row.cells for row in table.rows)


def test_the_reports_file_has_costs_for_those_alone_who_may_see_them(hers, nora, manager) -> None:
    set_rate(actor=actor_of(manager), per_hour=Decimal("45.50"), valid_from=LONG_AGO)
    entry = time.add(actor=actor_of(nora), ticket=hers, seconds=7200)
    time.correct(actor=actor_of(nora), entry=entry, seconds=3600, note="Half of it")
    text = reports.export(actor=actor_of(manager), report="time", wanted=Wanted(days=7), table="person")
    heads, line = text.splitlines()
    assert heads.endswith("Cost (USD),Time without a rate (seconds)") and line.endswith(",45.50,")
    text = reports.export(actor=without_costs(actor_of(manager)), report="time", wanted=Wanted(days=7), table="person")
    assert "Cost" not in text and "45.50" not in text


def test_a_mailed_report_tells_each_what_he_himself_may_see(hers, nora, manager, cast, system, monkeypatch) -> None:
    """Tess leads a team: she is sent the times that Mona has mailed, and not what they cost."""
    roles.create(
        actor=system, name="Lead",
        permissions=["ticketing.view_savedreport", "ticketing.view_internal_message", "ticketing.view_ticket",
                     "ticketing.view_timeentry", "ticketing.correct_timeentry"],
    )  # fmt: skip
    tess = make_user(cast.alpha, "tess@alpha.example", "Tess Team", "lead")
    set_rate(actor=actor_of(manager), per_hour=Decimal("45.50"), valid_from=LONG_AGO)
    time.add(actor=actor_of(nora), ticket=hers, seconds=7200)
    kept = reports.save(
        actor=actor_of(manager), name="Work", report="time", filters={"days": "7"}, cadence="daily", at=dt.time(12),
        recipients=[manager, tess],
    )  # fmt: skip
    monkeypatch.setattr(clock, "now", lambda: kept.next_at + dt.timedelta(days=1))
    assert reports.send(actor=system, saved_id=kept.pk) == 2
    mails = dict(Mail.objects.values_list("deliveries__address", "text"))
    assert "Cost (USD)" in mails["mona@alpha.example"] and "91.00" in mails["mona@alpha.example"]
    assert "2 h" in mails["tess@alpha.example"]
    assert "Cost" not in mails["tess@alpha.example"] and "91.00" not in mails["tess@alpha.example"]


def test_the_trail_says_who_set_a_rate_for_whom_and_never_the_amount(hers, nora, manager) -> None:
    """More people read the trail than may see costs; the rate itself can be changed by nobody."""
    rate = set_rate(actor=actor_of(manager), per_hour=Decimal("77.31"), valid_from=LONG_AGO, user=nora)
    entry = AuditEntry.objects.get(action="cost_rate.set")
    assert (entry.actor_label, entry.subject_id, entry.subject_label) == (
        "Mona Moss", rate.pk, "Nora North, 2020-01-01",
    )  # fmt: skip
    assert "77.31" not in str((entry.before, entry.after))


def test_who_leaves_keeps_his_rates_and_what_his_time_has_cost(hers, nora, manager, system) -> None:
    """Nobody of the staff is ever deleted: what was reckoned with him stays as it was."""
    rate = set_rate(actor=actor_of(manager), per_hour=Decimal(36), valid_from=LONG_AGO, user=nora)
    time.add(actor=actor_of(nora), ticket=hers, seconds=3600)
    users.deactivate(actor=system, user=nora)
    [total] = total_of(manager)
    assert (total.name, costs.money_of(total.cost)) == ("Nora North", Decimal("36.00"))
    assert list(costs.list_rates(actor_of(manager))) == [rate]


def test_who_may_not_set_rates_sets_none(hers, nora, manager) -> None:
    with pytest.raises(PermissionDenied):
        set_rate(actor=actor_of(nora), per_hour=Decimal(1), valid_from=LONG_AGO)
    assert not CostRate.objects.exists() and not AuditEntry.objects.filter(action="cost_rate.set").exists()
    assert not costs.may_see(actor_of(nora)) and not costs.list_rates(actor_of(nora)).exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"per_hour": Decimal(-1)}, "per_hour"),
        ({"per_hour": Decimal("1.005")}, "per_hour"),
        ({"per_hour": Decimal(100000)}, "per_hour"),
        ({"valid_from": dt.date(1999, 12, 31)}, "valid_from"),
    ],
)
def test_what_is_no_rate_is_refused_with_its_field(manager, given, field) -> None:
    with pytest.raises(InvalidInput) as refused:
        set_rate(actor=actor_of(manager), **{"per_hour": Decimal(1), "valid_from": LONG_AGO, **given})
    assert list(refused.value.fields) == [field] and not CostRate.objects.exists()


def test_a_rate_is_of_a_person_or_of_a_pool_and_persons_are_staff(hers, nora, manager, dana) -> None:
    for given, field in (({"user": nora, "pool": hers.pool}, "pool"), ({"user": dana}, "user")):
        with pytest.raises(InvalidInput) as refused:
            set_rate(actor=actor_of(manager), per_hour=Decimal(1), valid_from=LONG_AGO, **given)
        assert list(refused.value.fields) == [field]
    assert not CostRate.objects.exists()


def test_the_database_changes_no_rate_and_takes_none_away(manager) -> None:
    rate = set_rate(actor=actor_of(manager), per_hour=Decimal(1), valid_from=LONG_AGO)
    with pytest.raises(ProgrammingError), transaction.atomic():
        CostRate.objects.filter(pk=rate.pk).update(per_hour=2)
    with pytest.raises(ProgrammingError), transaction.atomic():
        CostRate.objects.filter(pk=rate.pk).delete()


def test_the_api_sets_rates_lists_them_and_sums_up_what_time_has_cost(hers, nora, manager, cast, browser_of) -> None:
    mona, bob = Person(browser_of(manager)), Person(browser_of(cast.bob))
    made = mona.post("cost-rates/", per_hour="45.50", valid_from="2020-01-01", user=nora.public_id)
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["user"]["full_name"], told["pool"], told["per_hour"]) == ("Nora North", None, "45.50")
    assert mona.post("cost-rates/", per_hour=None, valid_from="2026-01-01", pool="noc").json()["per_hour"] is None
    assert [row["pool"] for row in mona.get("cost-rates/?pool=noc").json()["results"]] == ["noc"]
    assert mona.get(f"cost-rates/{told['public_id']}/").json() == told
    for wrong, field in (
        ({"per_hour": "-1"}, "per_hour"), ({"per_hour": "1.005"}, "per_hour"), ({"user": "nobody"}, "user"),
        ({"pool": "nowhere"}, "pool"), ({"pool": "noc", "user": nora.public_id}, "pool"),
        ({"valid_from": "1999-12-31"}, "valid_from"),
    ):  # fmt: skip
        refused = mona.post("cost-rates/", **{"per_hour": "1", "valid_from": "2020-01-01", **wrong})
        assert refused.status_code == 422 and list(refused.json()["fields"]) == [field]
    assert bob.get("cost-rates/").status_code == 403
    assert bob.post("cost-rates/", per_hour="1", valid_from="2020-01-01").status_code == 403
    assert CostRate.objects.count() == 2

    time.add(actor=actor_of(nora), ticket=hers, seconds=7200)
    [row] = mona.get("time-entries/totals/?by=pool").json()
    assert (row["cost"], row["uncosted"]) == ("91.00", 0)
    assert "cost" not in str(bob.get("time-entries/").json()).lower()


def test_a_session_left_open_sets_no_rate_on_the_api(manager, browser_of) -> None:
    old = Person(browser_of(manager, proven=False))
    assert old.get("cost-rates/").status_code == 200
    assert old.post("cost-rates/", per_hour="1", valid_from="2020-01-01").status_code in (401, 403)
    assert not CostRate.objects.exists()


def without_costs(actor):
    """The same person without the right to see costs."""
    grants = tuple(replace(grant, permissions=grant.permissions - {costs.VIEW}) for grant in actor.grants)
    return replace(actor, grants=grants)
