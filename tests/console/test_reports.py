"""Reports in the console: numbers that lead to tickets, files, and reports that are kept."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from boss.console.views import inbox
from boss.core.models import AuditEntry
from boss.tenancy.models import User
from tests.cast import Cast
from tests.ticketing import crowd
from ticketing.models import SavedReport, Ticket
from ticketing.services import categories, pools

HERE = "/console/tickets/reports/"
KEYS = (
    "volume", "backlog", "answers", "resolution", "promises", "due", "heat", "workload", "time", "by_field",
    "fallbacks",
)  # fmt: skip


@pytest.fixture
def crowded(alpha: Any, system: Any, cast: Cast) -> list[Ticket]:
    pool = pools.create(actor=system, key="noc", name="Network")
    fault = categories.create(actor=system, key="fault", name="<b>Fault</b>")
    return crowd.gather(60, pools=[pool], categories=[fault], people=[cast.alice, cast.bob])


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def test_every_report_is_a_page_with_pictures_that_say_what_the_tables_say(
    crowded: Any, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    listed = text_of(alice.get(HERE))
    for key in KEYS:
        assert f'href="{HERE}{key}/"' in listed
        answer = alice.get(f"{HERE}{key}/", {"days": "30"})
        page = text_of(answer)
        assert answer.status_code == 200 and "<b>Fault</b>" not in page, (
            "names are escaped, in the picture's data as well"
        )
        assert "style=" not in page.split("<main", 1)[1], "the policy of the pages refuses it"
        for chart in re.findall(r'<script id="chart-\w+" type="application/json">(.*?)</script>', page, re.S):
            drawn = json.loads(chart)
            assert drawn["labels"] and all(len(each["values"]) == len(drawn["labels"]) for each in drawn["series"])
        assert ("echarts.min.js" in page) is True


def test_a_number_leads_to_a_list_of_as_many_tickets(crowded: Any, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    page = text_of(alice.get(f"{HERE}backlog/"))
    url, number = re.search(r'<td class="num" data-label="Open now"><a href="([^"]+)">(\d+)</a>', page).groups()  # type: ignore[union-attr]
    opened = text_of(alice.get(html.unescape(url)))
    assert f"{number} ticket" in opened and opened.count("data-row") == int(number) > 3
    assert f'href="{HERE}backlog/?days=30"' in opened, "and back again"


def test_filters_that_cannot_be_are_refused_beside_their_field_and_stay(
    crowded: Any, cast: Cast, browser_of: Any
) -> None:
    alice = browser_of(cast.alice)
    answer = alice.get(f"{HERE}volume/", {"since": "2026-11-20", "until": "2026-11-01", "category": "fault"})
    page = text_of(answer)
    assert answer.status_code == 422 and "The last day lies before the first." in page
    assert 'value="2026-11-20"' in page and '<option value="fault" selected>' in page and "<table" not in page
    assert alice.get(f"{HERE}volume/tickets/", {"cell": "in:", "days": "x"}).status_code == 302
    assert alice.get(f"{HERE}volume/tickets/", {"cell": "nothing"}).status_code == 404


def test_a_table_is_handed_out_as_a_file_and_that_is_on_record(crowded: Any, cast: Cast, browser_of: Any) -> None:
    answer = browser_of(cast.alice).get(f"{HERE}volume/file/", {"table": "all", "days": "7"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8" and "attachment" in answer["Content-Disposition"]
    assert text_of(answer).splitlines()[0] == "In all,This period,The period before"
    entry = AuditEntry.objects.get(action="report.exported")
    assert (entry.actor_id, entry.after["filters"]) == (cast.alice.pk, {"days": "7"})


def test_alice_keeps_a_report_has_it_mailed_and_gives_it_up(crowded: Any, cast: Cast, browser_of: Any) -> None:
    alice = browser_of(cast.alice)
    page = text_of(alice.get(f"{HERE}volume/", {"days": "7", "pool": "noc"}))
    keep = html.unescape(re.search(r'href="([^"]*/keep/[^"]*)"', page)[1])  # type: ignore[index]
    form = text_of(alice.get(keep))
    assert '<input type="hidden" name="pool" value="noc">' in form
    typed = {
        "days": "7",
        "pool": "noc",
        "name": "",
        "cadence": "weekly",
        "weekday": "2",
        "monthday": "1",
        "at": "07:30",
    }
    answer = alice.post(f"{HERE}volume/keep/", typed)
    assert answer.status_code == 422 and "Give it a name." in text_of(answer) and "07:30" in text_of(answer)
    assert not SavedReport.objects.exists()
    bob = User.objects.get(pk=cast.bob.pk)
    answer = alice.post(f"{HERE}volume/keep/", typed | {"name": "Tuesdays", "recipients": [bob.public_id]})
    assert answer.status_code == 422 and "May not see reports: Bob Baker." in text_of(answer)

    listed = text_of(alice.post(f"{HERE}volume/keep/", typed | {"name": "Tuesdays"}, follow=True))
    assert "Every week on Tuesday at 07:30" in listed and "?days=7&amp;pool=noc" in listed
    saved = SavedReport.objects.get()
    edit = f"{HERE}saved/{saved.public_id}/"
    assert 'value="Tuesdays"' in text_of(alice.get(edit))
    alice.post(edit, typed | {"name": "Daily", "cadence": "daily", "is_shared": "on"})
    saved.refresh_from_db()
    assert (saved.name, saved.cadence, saved.is_shared, saved.filters) == (
        "Daily",
        "daily",
        True,
        {"days": "7", "pool": "noc"},
    )
    alice.post(f"{edit}remove/")
    assert not SavedReport.objects.exists()


def test_bob_who_has_no_right_to_reports_finds_none(crowded: Any, cast: Cast, browser_of: Any) -> None:
    bob = browser_of(cast.bob)
    assert "reports/" not in text_of(bob.get("/console/tickets/"))
    for path in ("", "volume/", "volume/tickets/?cell=in:", "volume/file/?table=all", "volume/keep/"):
        assert bob.get(HERE + path).status_code == 403
    assert not AuditEntry.objects.filter(action="report.exported").exists()
    assert 'href="/console/tickets/reports/"' in text_of(browser_of(cast.alice).get("/console/tickets/"))


def test_the_api_says_the_same(crowded: Any, cast: Cast, browser_of: Any) -> None:
    alice, base = browser_of(cast.alice), "/api/v1/ticketing/"
    assert [each["key"] for each in alice.get(f"{base}reports/").json()] == list(KEYS)
    ran = alice.get(f"{base}reports/volume/", {"days": "60"}).json()
    came = next(table for table in ran["tables"] if table["key"] == "all")["rows"][0]["cells"]["now"]
    behind = alice.get(f"{base}reports/volume/tickets/", {"days": "60", "cell": came["cell"]}).json()
    assert len(behind) == came["value"] > 10 and came["counts"]
    assert alice.get(f"{base}reports/volume/", {"days": "0"}).json()["fields"] == {"days": ["From 1 to 732 days."]}
    assert alice.get(f"{base}reports/volume/file/", {"table": "volume"})["Content-Type"].startswith("text/csv")

    body = {"name": "Api", "report": "volume", "filters": {"pool": "noc"}, "cadence": "daily", "at": "07:00"}
    made = alice.post(f"{base}saved-reports/", body, content_type="application/json")
    assert made.status_code == 201 and made.json()["next_at"]
    address = f"{base}saved-reports/{made.json()['public_id']}/"
    changed = alice.put(address, body | {"cadence": "", "recipients": ["nobody"]}, content_type="application/json")
    assert changed.status_code == 422
    changed = alice.put(address, body | {"cadence": ""}, content_type="application/json").json()
    assert (changed["cadence"], changed["next_at"]) == ("", None)
    assert alice.delete(address).status_code == 204 and not SavedReport.objects.exists()


def test_my_work_says_that_there_is_more(crowded: Any, cast: Cast, browser_of: Any, monkeypatch: Any) -> None:
    """It stands here as the crowd does: the page's own "more" once took the place of the menu's, and broke it."""
    monkeypatch.setattr(inbox, "SHOWN", 2)
    page = text_of(browser_of(cast.alice).get("/console/inbox/"))
    assert "There is more than is shown here." in page and page.count("only-phone") == 1
