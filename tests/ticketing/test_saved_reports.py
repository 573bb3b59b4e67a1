"""Reports that are kept: whose they are, when they are mailed, to whom, and that they are mailed once."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from boss.core import clock, scoping
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.notify.models import Delivery
from boss.notify.models import Message as Mail
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import RoleGrant
from boss.tenancy.services import roles, users
from tests.cast import actor_of, make_user
from ticketing import saved_reports
from ticketing.models import SavedReport
from ticketing.reports import running
from ticketing.reports.asking import Wanted
from ticketing.services import reports, tickets

NOON = dt.time(12, 0)


@pytest.fixture(autouse=True)
def here(request: pytest.FixtureRequest) -> None:
    """Alpha is in New York, but on a database of its own."""
    if "real_db" in request.fixturenames:
        return
    alpha = request.getfixturevalue("alpha")
    alpha.time_zone = "America/New_York"
    alpha.save()
    tenancy.forget_cached()


@pytest.fixture
def mona(cast) -> Any:
    return make_user(cast.alpha, "mona@alpha.example", "Mona May", "manager")


def keep(user: Any, **given: Any) -> SavedReport:
    wanted = {"name": "Weekly", "report": "volume", "filters": {"days": "7"}, **given}
    return reports.save(actor=actor_of(user), **wanted)


def at(monkeypatch: Any, moment: dt.datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_one_keeps_changes_and_gives_up_ones_own(cast, desk, mona) -> None:
    saved = keep(cast.alice)
    alice = actor_of(cast.alice)
    assert [each.name for each in saved_reports.list_saved(alice)] == ["Weekly"]
    reports.save(actor=alice, saved=saved, name="Daily", report="backlog", filters={"pool": "noc"}, is_shared=True)
    shown = saved_reports.get_saved(actor_of(mona), saved.public_id)
    assert (shown.name, shown.report, shown.filters) == ("Daily", "backlog", {"days": "30", "pool": "noc"})
    reports.delete(actor=alice, saved=saved)
    assert not SavedReport.objects.exists()
    on_record = AuditEntry.objects.filter(action__startswith="report.").order_by("id")
    assert [each.action for each in on_record] == ["report.saved", "report.changed", "report.deleted"]


def test_others_see_what_is_shared_alone_and_change_nothing(cast, desk, mona) -> None:
    own, shared = keep(cast.alice, name="Own"), keep(cast.alice, name="Shared", is_shared=True)
    monas = actor_of(mona)
    assert [each.name for each in saved_reports.list_saved(monas)] == ["Shared"]
    with pytest.raises(NotFound):
        saved_reports.get_saved(monas, own.public_id)
    with pytest.raises(PermissionDenied):
        reports.save(actor=monas, saved=shared, name="Mine now", report="volume", filters={})
    with pytest.raises(PermissionDenied):
        reports.delete(actor=monas, saved=shared)
    with pytest.raises(PermissionDenied):  # a CSR has no right to reports
        keep(cast.bob)
    assert list(SavedReport.objects.order_by("id").values_list("name", flat=True)) == ["Own", "Shared"]


def test_what_cannot_be_kept_is_refused_beside_its_field(cast, desk) -> None:
    keep(cast.alice)
    for given, field in [
        ({"name": " "}, "name"), ({"name": "Weekly"}, "name"), ({"cadence": "hourly", "at": NOON}, "cadence"),
        ({"cadence": "daily"}, "at"), ({"weekday": 8}, "weekday"), ({"monthday": 31}, "monthday"),
        ({"filters": {"days": "0"}}, "days"), ({"filters": {"pool": "nowhere"}}, "pool"),
        ({"recipients": [cast.bob]}, "recipients"),
    ]:  # fmt: skip
        with pytest.raises(InvalidInput) as refused:
            keep(cast.alice, **({"name": "Other"} | given))
        assert list(refused.value.fields) == [field]
    with pytest.raises(NotFound):
        keep(cast.alice, name="Other", report="nothing")
    assert SavedReport.objects.count() == 1


def test_it_is_due_at_the_local_time_whatever_the_clocks_do() -> None:
    zone = ZoneInfo("America/New_York")

    def times(saved: SavedReport, after: str, count: int) -> list[str]:
        found, moment = [], dt.datetime.fromisoformat(after)
        for _ in range(count):
            moment = saved_reports.next_time(saved, zone, moment)  # type: ignore[assignment]
            found.append(moment.isoformat())
        return found

    daily = SavedReport(cadence="daily", at=dt.time(7, 0))
    assert times(daily, "2026-10-31T10:00:00+00:00", 3) == [
        "2026-10-31T11:00:00+00:00", "2026-11-01T12:00:00+00:00", "2026-11-02T12:00:00+00:00",
    ]  # fmt: skip
    weekly = SavedReport(cadence="weekly", weekday=1, at=dt.time(7, 0))
    assert times(weekly, "2026-11-30T12:00:00+00:00", 1) == ["2026-12-07T12:00:00+00:00"], "at seven it was sent"
    monthly = SavedReport(cadence="monthly", monthday=28, at=dt.time(7, 0))
    assert times(monthly, "2027-02-01T12:00:00+00:00", 2) == ["2027-02-28T12:00:00+00:00", "2027-03-28T11:00:00+00:00"]
    # Half past two is left out that night, and comes twice that other one.
    odd = SavedReport(cadence="daily", at=dt.time(2, 30))
    assert times(odd, "2026-03-08T05:30:00+00:00", 2) == ["2026-03-08T07:30:00+00:00", "2026-03-09T06:30:00+00:00"]
    odd.at = dt.time(1, 30)
    assert times(odd, "2026-11-01T04:30:00+00:00", 2) == ["2026-11-01T05:30:00+00:00", "2026-11-02T06:30:00+00:00"]
    assert saved_reports.next_time(SavedReport(), zone, clock.now()) is None


def test_mails_tell_of_whole_days() -> None:
    today = dt.date(2026, 11, 30)
    assert saved_reports.whole_days(Wanted(days=7), today).named() == {"since": "2026-11-23", "until": "2026-11-29"}
    fixed = Wanted(since=dt.date(2026, 1, 1), until=dt.date(2026, 1, 31))
    assert saved_reports.whole_days(fixed, today) == fixed


def test_it_is_mailed_when_it_is_due_with_its_table_and_a_link(cast, desk, mona, system, monkeypatch) -> None:
    at(monkeypatch, dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC))
    saved = keep(cast.alice, cadence="daily", at=dt.time(7, 0), recipients=[cast.alice, mona], filters={"days": "7"})
    assert reports.send(actor=system, saved_id=saved.pk) == 0, "it is not seven yet"
    at(monkeypatch, dt.datetime(2026, 11, 30, 12, 0, 5, tzinfo=dt.UTC))
    assert reports.send(actor=system, saved_id=saved.pk) == 2
    assert sorted(Delivery.objects.values_list("address", flat=True)) == ["alice@alpha.example", "mona@alpha.example"]
    mail = Mail.objects.filter(deliveries__address="mona@alpha.example").get()
    assert mail.subject.startswith("Weekly: ")
    for body in (mail.text, mail.html):
        assert "Came in" in body and "Nov 23" in body and "Alice Able has it sent to you." in body
    assert "/console/tickets/reports/volume/?since=2026-11-23&until=2026-11-29" in mail.text
    saved.refresh_from_db()
    assert saved.next_at == dt.datetime(2026, 12, 1, 12, 0, tzinfo=dt.UTC)
    assert AuditEntry.objects.get(action="report.mailed").after == {"name": "Weekly", "to": 2, "of": 2}


def test_it_is_mailed_once_though_a_worker_dies_or_two_come(cast, desk, system, monkeypatch) -> None:
    at(monkeypatch, dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC))
    saved = keep(cast.alice, cadence="daily", at=dt.time(7, 0))
    at(monkeypatch, dt.datetime(2026, 11, 30, 12, 1, tzinfo=dt.UTC))

    class Died(Exception):
        pass

    def dies(*_args: Any) -> None:
        raise Died

    with monkeypatch.context() as patch:  # after the mail was written, before the end
        patch.setattr(saved_reports, "next_time", dies)
        with pytest.raises(Died):
            reports.send(actor=system, saved_id=saved.pk)
    assert not Mail.objects.exists(), "what was written goes with its transaction"
    assert reports.send(actor=system, saved_id=saved.pk) == 1
    assert reports.send(actor=system, saved_id=saved.pk) == 0
    SavedReport.objects.filter(pk=saved.pk).update(next_at=dt.datetime(2026, 11, 30, 12, 0, tzinfo=dt.UTC))
    reports.send(actor=system, saved_id=saved.pk)  # were its time told anew, the mail is the same one
    assert Mail.objects.count() == 1


def test_days_that_were_missed_are_made_up_for_once(cast, desk, system, monkeypatch) -> None:
    at(monkeypatch, dt.datetime(2026, 11, 20, 11, 0, tzinfo=dt.UTC))
    saved = keep(cast.alice, cadence="daily", at=dt.time(7, 0))
    at(monkeypatch, dt.datetime(2026, 11, 30, 15, 0, tzinfo=dt.UTC))
    assert [reports.send(actor=system, saved_id=saved.pk) for _ in range(3)] == [1, 0, 0]


def test_rights_are_asked_when_it_is_sent(cast, desk, mona, system, monkeypatch) -> None:
    at(monkeypatch, dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC))
    gone = make_user(cast.alpha, "gina@alpha.example", "Gina Gone", "manager")
    saved = keep(cast.alice, cadence="daily", at=dt.time(7, 0), recipients=[cast.alice, mona, gone])
    roles.revoke(actor=system, grant=RoleGrant.objects.get(user=mona))
    users.deactivate(actor=system, user=gone)
    at(monkeypatch, dt.datetime(2026, 11, 30, 12, 1, tzinfo=dt.UTC))
    assert reports.send(actor=system, saved_id=saved.pk) == 1
    assert list(Delivery.objects.values_list("address", flat=True)) == ["alice@alpha.example"]
    assert AuditEntry.objects.get(action="report.mailed").after["of"] == 3


def test_a_report_that_takes_another_right_is_not_mailed_to_whoever_lost_it(cast, desk, system, monkeypatch) -> None:
    at(monkeypatch, dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC))
    nora = make_user(cast.alpha, "nora2@alpha.example", "Nora Noc", "noc")  # reports, but not everybody's time
    saved = keep(cast.alice, report="time", cadence="daily", at=dt.time(7, 0), recipients=[cast.alice, nora])
    at(monkeypatch, dt.datetime(2026, 11, 30, 12, 1, tzinfo=dt.UTC))
    assert reports.send(actor=system, saved_id=saved.pk) == 1


def test_each_is_sent_the_numbers_of_what_he_may_see(cast, desk, system, monkeypatch) -> None:
    """Ned sees reports, but tickets of one organization only: he is told of none where Alice is told of one."""
    at(monkeypatch, dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC))
    tickets.open(actor=system, category_key="office", title="Lamp is out")
    roles.create(
        actor=system, name="Reader", permissions=["ticketing.view_savedreport", "ticketing.view_internal_message"]
    )
    ned = make_user(cast.alpha, "ned@alpha.example", "Ned Narrow", "reader")
    saved = keep(cast.alice, report="backlog", cadence="daily", at=dt.time(7, 0), recipients=[cast.alice, ned])
    at(monkeypatch, dt.datetime(2026, 11, 30, 12, 1, tzinfo=dt.UTC))
    assert reports.send(actor=system, saved_id=saved.pk) == 2
    told = dict(Mail.objects.values_list("deliveries__address", "subject"))
    assert "0 of 1 open tickets" in told["alice@alpha.example"]
    assert "Nothing waits" in told["ned@alpha.example"]


def test_the_sweep_finds_what_is_due_in_every_realm(real_db, cast, monkeypatch) -> None:
    """Through the dispatcher, which reads when reports are due and nothing else. One that fails stands before none."""

    def run(actor: Any, key: str, wanted: Wanted) -> Any:
        if key == "backlog":
            raise ZeroDivisionError
        return running.run(actor, key, wanted)

    monkeypatch.setattr(reports, "run", run)
    with scoping.realm_transaction(cast.alpha.pk):
        keep(cast.alice, name="Faulty", report="backlog", cadence="daily", at=dt.time(7, 0))
        keep(cast.alice, cadence="daily", at=dt.time(7, 0))
        SavedReport.objects.update(next_at=clock.now())
    assert reports.sweep() == 1
    assert reports.sweep() == 0
    with scoping.realm_transaction(cast.alpha.pk):
        assert Mail.objects.count() == 1
