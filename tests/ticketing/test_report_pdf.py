"""Reports as PDF: the numbers of the page and of what one may see, with the provider's face, on record, and mailed."""

from __future__ import annotations

import datetime as dt
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pypdf import PdfReader

from boss.core import clock, files
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.notify.models import MessageFile
from boss.tenancy import selectors as tenancy
from boss.tenancy.services import realms, roles
from tests.cast import actor_of, make_user
from tests.ticketing import crowd
from ticketing.models import Ticket
from ticketing.reports import figures, printing
from ticketing.reports.asking import Wanted
from ticketing.reports.running import list_reports, run
from ticketing.services import reports, tickets

STATIC = Path(settings.BASE_DIR) / "boss" / "static"


@pytest.fixture(autouse=True)
def still(monkeypatch: Any) -> dt.datetime:
    now = dt.datetime(2026, 11, 30, 11, 0, tzinfo=dt.UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    return now


@pytest.fixture
def crowded(desk: Any, cast: Any) -> list[Ticket]:
    return crowd.gather(60, pools=[desk.noc, desk.field], categories=[desk.trouble], people=[cast.alice, cast.bob])


def squeezed(text: str) -> str:
    """Without blanks: where a line is broken is no matter of the words."""
    return re.sub(r"\s", "", text)


def pages_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def test_every_report_has_the_findings_and_numbers_of_its_page(crowded: Any, cast: Any) -> None:
    alice = actor_of(cast.alice)
    for report in list_reports(alice):
        ran = run(alice, report.key, Wanted(days=14))
        read = squeezed(pages_of(printing.as_pdf(ran, made_for="Alice Able", language="en")))
        for table in ran.tables:
            assert squeezed(table.finding) in read
            _heads, *lines = figures.as_words(table)
            for line in lines:
                assert squeezed("".join(line)) in read, (report.key, table.key, line)
        assert "MadeforAliceAble" in read and squeezed(str(report.basis)) in read


def test_it_says_what_was_asked_and_has_the_providers_face_of_this_moment(crowded: Any, cast: Any, desk: Any) -> None:
    alice = actor_of(cast.alice)
    tenancy.get_realm(alice.realm_id)
    wanted = Wanted.of({"days": "7", "category": "trouble", "pool": "noc", "channel": "mail", "priority": "2"},
                       today=dt.date(2026, 11, 30))  # fmt: skip
    realms.change_brand(actor=alice, name="Alpha Renamed", tagline="Fast & near")
    read = " ".join(pages_of(reports.export_pdf(actor=alice, report="volume", wanted=wanted)).split())
    assert "Alpha Renamed" in read and "Fast & near" in read and "Volume and backlog" in read
    assert "Category: Trouble; Pool: Network; How it came: By e-mail; Priority: High." in read
    assert "Nov 24 2026 to Nov 30 2026, beside Nov 17 2026 to Nov 23 2026. Days of the clock." in read
    assert "Made for Alice Able, Nov 30 2026" in read and "Page 1 of" in read
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.actor_id, entry.after["format"], entry.after["filters"]["pool"]) == (cast.alice.pk, "pdf", "noc")


def test_who_may_not_see_a_report_has_no_pdf_of_it_and_nothing_is_on_record(crowded: Any, cast: Any) -> None:
    nora = actor_of(
        make_user(cast.alpha, "nora2@alpha.example", "Nora Noc", "noc")
    )  # reports, but not everybody's time
    for actor, key, refusal in ((actor_of(cast.bob), "volume", PermissionDenied), (nora, "time", NotFound)):
        with pytest.raises(refusal):
            reports.export_pdf(actor=actor, report=key, wanted=Wanted())
    with pytest.raises(InvalidInput):
        reports.export_pdf(actor=actor_of(cast.alice), report="volume", wanted=Wanted(pool="nowhere"))
    assert not AuditEntry.objects.filter(action="report.exported").exists()


def test_titles_that_strangers_typed_stand_there_as_they_are(desk: Any, cast: Any, system: Any) -> None:
    for title in ('=HYPERLINK("x")', "W" * 200, "😀 مرحبا", "{nb} **x**"):
        ticket = tickets.open(actor=system, category_key="office", title=title)
        Ticket.objects.filter(pk=ticket.pk).update(due_at=clock.now() + dt.timedelta(hours=1))
    read = squeezed(pages_of(reports.export_pdf(actor=actor_of(cast.alice), report="due", wanted=Wanted())))
    assert '=HYPERLINK("x")' in read and "W" * 200 in read and "{nb}**x**" in read


def test_a_long_table_is_cut_and_says_so(crowded: Any, cast: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(printing, "MOST_ROWS", 3)
    monkeypatch.setattr(printing, "MOST_DRAWN", 1)
    read = pages_of(reports.export_pdf(actor=actor_of(cast.alice), report="workload", wanted=Wanted(days=60)))
    rows = len(run(actor_of(cast.alice), "workload", Wanted(days=60)).tables[0].rows)
    told = f"The first 3 of {rows} rows; the CSV file has all of them." in read
    assert told is (rows > 3) and f"The picture shows the first 1 of {rows} rows." in read


def test_colours_mean_on_paper_what_they_mean_on_the_page() -> None:
    script = (STATIC / "js" / "charts.js").read_text()
    told = re.search(r"ROLES = \{(.*?)\};", script, re.S)
    assert told and dict(re.findall(r"(\w+): (\d)", told[1])) == {name: str(at) for name, at in printing.ROLES.items()}
    tokens = (STATIC / "css" / "tokens.css").read_text()
    assert tuple(re.findall(r"--boss-chart-\d: light-dark\((#\w+),", tokens)) == printing.PALETTE


def test_the_mail_brings_each_reader_the_pdf_of_what_he_may_see(
    desk: Any, cast: Any, system: Any, monkeypatch: Any
) -> None:
    tickets.open(actor=system, category_key="office", title="Lamp is out")
    may = ["ticketing.view_savedreport", "ticketing.view_internal_message"]
    roles.create(actor=system, name="Reader", permissions=may)
    ned = make_user(cast.alpha, "ned@alpha.example", "Ned Narrow", "reader")
    saved = reports.save(
        actor=actor_of(cast.alice), name="Mondays / مرحبا", report="backlog", filters={"days": "7"}, cadence="daily",
        at=dt.time(7, 0), recipients=[cast.alice, ned],
    )  # fmt: skip
    due = saved.next_at
    assert due is not None
    monkeypatch.setattr(clock, "now", lambda: due + dt.timedelta(seconds=1))
    assert reports.send(actor=system, saved_id=saved.pk) == 2
    told = {}
    for each in MessageFile.objects.select_related("message").order_by("id"):
        address = each.message.deliveries.get().address
        told[address] = " ".join(pages_of(files.content_of(each.file_id)).split())
        assert each.media_type == "application/pdf" and each.name.endswith(".pdf") and "/" not in each.name
        assert "as PDF" in each.message.text and "as PDF" in each.message.html
    assert "0 of 1 open tickets" in told["alice@alpha.example"] and "Made for Alice Able" in told["alice@alpha.example"]
    assert "Nothing waits" in told["ned@alpha.example"] and "Made for Ned Narrow" in told["ned@alpha.example"]
    assert "Mondays /" in told["alice@alpha.example"] and "Age of the backlog" in told["alice@alpha.example"]
