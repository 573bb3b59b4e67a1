"""Scenario 19: the numbers of reports are exact, a bar opens exactly its tickets, and the files say the same."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader

from boss.core import clock, scoping
from boss.core.actors import Actor
from tests.browser.portal_look import Look
from tests.browser.scenes.conftest import Hand
from tests.cast import Cast, make_user
from tests.mail.test_postfix import DANA, Desk, desk  # noqa: F401 - a fixture
from ticketing.choices import Activity, TimeSource
from ticketing.models import SavedReport, SlaClock, Ticket, TimeEntry
from ticketing.services import reports, tickets
from ticketing.sla.kinds import ClockKind, ClockState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

HERE = "/console/tickets/reports/"
MIDDLE_OF_A_BAR = """(element, at) => {
    const chart = echarts.getInstanceByDom(element), series = chart.getModel().getSeriesByIndex(0);
    const bar = series.getData().getItemLayout(at), picture = element.querySelector("svg").getBoundingClientRect();
    return [picture.x + bar.x + bar.width / 2, picture.y + bar.y + bar.height / 2];
}"""
MINUTE = dt.timedelta(minutes=1)


def _six(actor: Actor) -> None:
    """Six tickets of six days; the first four were answered after 10, 20, 30 and 40 minutes, the last of them late,
    and the first two are solved. 29 minutes were worked."""
    for day in range(1, 7):
        ticket = tickets.open(actor=actor, category_key="care", title=f"Matter {day}")
        opened = clock.now() - dt.timedelta(days=day)
        answered = opened + 10 * day * MINUTE
        Ticket.objects.filter(pk=ticket.pk).update(
            opened_at=opened, first_response_at=answered if day < 5 else None,
            **({"state": "resolved", "status": "resolved", "resolved_at": opened + 60 * MINUTE} if day < 3 else {}),
        )  # fmt: skip
        if day < 5:
            state = ClockState.MET if day < 4 else ClockState.MISSED
            SlaClock.objects.create(
                ticket=ticket, kind=ClockKind.FIRST, state=state, started_at=opened, stopped_at=answered,
                due_at=opened + 35 * MINUTE,
            )  # fmt: skip
        for minutes in {1: (10, 20, -1)}.get(day, ()):
            TimeEntry.objects.create(
                ticket=ticket, pool=ticket.pool, started_at=opened, seconds=60 * minutes, activity=Activity.CALL,
                source=TimeSource.MANUAL if minutes > 0 else TimeSource.CORRECTION, written_by="x",
                corrects=None if minutes > 0 else TimeEntry.objects.earliest("pk"),
            )  # fmt: skip


def lines_of(pdf: bytes) -> str:
    """A PDF's words, on one line."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def column(page: Page, table: str, label: str) -> list[str]:
    cells = page.locator(f"section:has(> .card-header #{table}-h) td[data-label='{label}']")
    return [text.strip() for text in cells.all_inner_texts()]


def test_exact_numbers_a_bar_a_file_and_the_mail(
    desk: Desk,  # noqa: F811
    cast: Cast,
    here: str,
    person: Callable[..., Page],
    hand: Hand,
    tmp_path: Path,
) -> None:
    with desk.realm() as system:
        _six(system)
    make_user(cast.alpha, DANA, "Dana Dean", "manager")
    page = person(DANA, HERE)
    look = Look(page, "scene-reports")
    look.desktop()

    page.get_by_role("link", name="Volume and backlog").click()
    page.get_by_role("heading", name="Volume and backlog").wait_for()
    assert column(page, "all", "This period") == ["6", "2", "4"]
    page.goto(f"{here}{HERE}promises/")
    assert [column(page, "all", label)[0] for label in ("Tickets kept", "Tickets missed", "Kept")] == ["3", "1", "75 %"]
    page.goto(f"{here}{HERE}time/")
    assert column(page, "activity", "Time")[-1] == "29 min"
    page.goto(f"{here}{HERE}answers/?days=30")
    assert [column(page, "all", f"{label} within")[0] for label in ("Half", "Nine of ten")] == ["25 min", "37 min"]
    assert column(page, "waits", "Tickets") == ["1", "3", "0", "0", "0", "0", "0"]
    page.locator("section:has(> .card-header #waits-h) .boss-chart svg").wait_for()
    look.at("answers")
    look.desktop()

    # The file is the table.
    with page.expect_download() as handed:
        page.get_by_role("link", name="CSV How long until the first answer").click()
    handed.value.save_as(tmp_path / "waits.csv")
    _heads, *lines = csv.reader((tmp_path / "waits.csv").read_text().splitlines())
    labels = page.locator("section:has(> .card-header #waits-h) tbody th").all_inner_texts()
    assert lines == [list(each) for each in zip(labels, column(page, "waits", "Tickets"), strict=True)]

    # All of it as PDF: the same findings and the same numbers beside their labels.
    findings = page.locator("section.report h2").all_inner_texts()
    waits = [f"{label} {number}" for label, number in zip(labels, column(page, "waits", "Tickets"), strict=True)]
    with page.expect_download() as handed:
        page.get_by_role("link", name="PDF First and next answer").click()
    handed.value.save_as(tmp_path / "answers.pdf")
    read = lines_of((tmp_path / "answers.pdf").read_bytes())
    assert len(findings) == 3 and all(each in read for each in [*findings, *waits, "Made for Dana Dean"])

    # The second bar: three tickets that waited for a quarter of an hour to an hour.
    chart = page.locator("section:has(> .card-header #waits-h) .boss-chart")
    chart.scroll_into_view_if_needed()
    page.mouse.click(*chart.evaluate(MIDDLE_OF_A_BAR, 1))
    page.get_by_role("heading", name="The tickets behind this number").wait_for()
    page.get_by_text("3 tickets", exact=True).wait_for()
    titles = page.locator("[data-row]").all_inner_texts()
    assert sorted(each.split("Matter ")[1].split()[0] for each in titles) == ["2", "3", "4"]
    look.judge("the tickets behind a bar")

    # Kept, to be mailed: it comes by the real mail server at its time, with the table, the way back and the PDF.
    page.get_by_role("link", name="Back to the report").click()
    page.get_by_role("link", name="Keep or mail").click()
    page.get_by_label("Name").fill("How we answer")
    look.judge("keeping a report")
    page.locator("[name=cadence]").select_option("daily")
    page.locator("[name=at]").fill("07:00")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("How we answer").first.wait_for()
    assert desk.letters(DANA) == []
    with scoping.realm_transaction(cast.alpha.pk):
        due = SavedReport.objects.get().next_at
    assert due is not None
    hand.set(due + dt.timedelta(seconds=1))
    assert reports.sweep() == 1
    [mail] = desk.until(lambda: desk.letters(DANA))
    text = mail.get_body(("plain",)).get_content()
    assert mail["Subject"].startswith("How we answer: ") and f"{HERE}answers/?since=" in text and "Half within" in text
    [pdf] = mail.iter_attachments()
    assert pdf.get_content_type() == "application/pdf" and str(pdf.get_filename()).startswith("How we answer ")
    read = lines_of(pdf.get_content())
    assert "Half of the first answers came within 25 min, nine of ten within 37 min" in read
    assert all(each in read for each in ["How we answer", *waits, "Made for Dana Dean", "Page 1 of"])
    assert look.errors == []
