"""Golden messages: every template, word for word, in Alpha's brand. ``BOSS_GOLDEN=write`` writes them anew."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from django.conf import settings

from boss.notify import rendering
from boss.tenancy.services import realms
from tests.notify.conftest import RECEIVED, WELCOME

HERE = Path(__file__).parent / "golden"
ORDER = {
    "name": "Dana Whitfield", "account_number": "A-10001", "order_number": "O-10002", "plans": ["Triple 300"],
    "site": "14 Elm Street, Lakeview", "detail": "+12175550100",
}  # fmt: skip
CONTEXTS = {
    "plan_changed": ORDER,
    "number_ported": ORDER,
    "service_ended": {**ORDER, "detail": "30.00"},
    "overdue": {
        "name": "Dana Whitfield",
        "account_number": "A-10001",
        "amount": "54.95 USD",
        "since": "2026-10-15",
        "limited_on": "2026-11-04",
        "ends_on": "2026-11-29",
    },
    "welcome": WELCOME,
    "invitation": {"name": "Dana", "link": WELCOME["link"], "inviter": "Alice Able"},
    "password_link": {"name": "Dana", "link": WELCOME["link"], "lasts": "30 minutes"},
    "sign_in_changed": {
        "name": "Dana",
        "what": "your authenticator app was removed.",
        "page": "https://alpha.localhost/account/",
    },
    "sign_in_paused": {"name": "Dana", "link": WELCOME["link"], "lasts": "30 minutes"},
    "email_change": {"name": "Dana", "taken": False, "link": "https://alpha.localhost/login/email/abc/"},
    "order_known": {
        "name": "Dana",
        "plan": "Triple 300",
        "signs_in": True,
        "login": "https://alpha.localhost/login/?next=%2Fsignup%2Freview%2F",
    },
    "ticket_received": RECEIVED,
    "ticket_answer": {**RECEIVED, "author": "Bob Baker", "body": "We look into it.\n\nIs the lamp <red>?"},
    "ticket_resolved": RECEIVED,
    "ticket_news": {**RECEIVED, "news": "your request AL-1001 is closed.", "by_mail": True},
    "ticket_written": {
        **RECEIVED,
        "subject": "Re: Photos of the mast [AL-1001]",
        "written": "Dear Dana,\n\nwe look into it <today>.",
        "files": ["plan.png"],
        "not_sent": ["mast.tiff"],
    },
    "outage_update": {
        "name": "Dana",
        "text": "A cable was cut in Elm Street.",
        "eta_at": dt.datetime(2026, 11, 30, 16, 30, tzinfo=dt.UTC),
        "opened": True,
        "link": WELCOME["link"],
    },
    "outage_over": {
        "name": "Dana",
        "text": "The cable is mended.",
        "until": dt.datetime(2026, 12, 2, 16, 30, tzinfo=dt.UTC),
        "link": WELCOME["link"],
    },
    "ticket_sign_in": {
        **RECEIVED,
        "subject": "Re: Internet is slow [AL-1001]",
        "what": "your contact details",
        "link": "https://alpha.localhost/account/",
    },
    "outage_false": {
        "name": "Dana",
        "text": "There was no outage at your place. Please excuse our message.",
        "link": WELCOME["link"],
    },
    "ticket_too_large": {
        **RECEIVED,
        "subject": "Re: Photos of the mast [AL-1001]",
        "most": 25,
        "days": 7,
        "upload_link": "https://alpha.localhost/upload/abc/",
    },
    "desk_notices": {
        "name": "Bob",
        "headline": "AL-1001: First answer due in 10 minutes",
        "count": 2,
        "lines": [
            ("First answer due in 10 minutes", "AL-1001 No internet", WELCOME["link"]),
            ("Solution is late", "AL-1002 Slow <again>", WELCOME["link"]),
        ],
        "more": 3,
    },
    "ticket_report": {
        "name": "Bob",
        "title": "Volume on Mondays",
        "basis": "Days of the clock",
        "first": dt.date(2026, 11, 23),
        "last": dt.date(2026, 11, 29),
        "has_period": True,
        "tables": [
            {
                "finding": "12 came in, 9 ended: 3 more wait, 7 in all",
                "heading": "Over time",
                "heads": ["Day", "Came in", "Ended"],
                "lines": [["Mon 23", "7", "4"], ["Tue 24 <b>", "5", "5"]],
                "more": 5,
            }
        ],
        "link": WELCOME["link"],
        "owner": "Alice Able",
    },
    "data_ready": {"name": "Dana", "link": WELCOME["link"], "days": 7},
}


@pytest.fixture
def branded(alpha, alice):
    realms.change_brand(
        actor=alice, colour="#f5b301", phone="+1 555 0100", email="help@alpha.example", tagline="Fast & near"
    )
    return alpha


def test_every_template_has_a_golden_message_here():
    folder = Path(settings.BASE_DIR) / "templates" / "emails"
    names = {path.stem for path in folder.glob("*.txt")} - {"base"}
    assert names == set(CONTEXTS)
    assert all((folder / f"{name}.html").exists() for name in names)


@pytest.mark.parametrize("name", sorted(CONTEXTS))
def test_the_message_reads_as_it_did(branded, name):
    rendered = rendering.render(name, CONTEXTS[name], realm_id=branded.pk, language="en")
    actual = {".txt": f"Subject: {rendered.subject}\n\n{rendered.text}", ".html": rendered.html}
    for suffix, content in actual.items():
        golden = HERE / f"{name}{suffix}"
        if os.environ.get("BOSS_GOLDEN") == "write":
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(content)
        assert content == golden.read_text(), f"{golden.name} differs"


def test_what_people_type_is_escaped_in_html_and_plain_in_text(branded):
    rendered = rendering.render("ticket_answer", CONTEXTS["ticket_answer"], realm_id=branded.pk, language="en")
    assert "<red>" in rendered.text and "&lt;red&gt;" in rendered.html and "<red>" not in rendered.html


def test_a_title_cannot_write_headers(branded):
    hostile = {**RECEIVED, "title": "Hi\r\nBcc: everyone@example.com"}
    rendered = rendering.render("ticket_received", hostile, realm_id=branded.pk, language="en")
    assert rendered.subject == "[AL-1001] Hi" or "\n" not in rendered.subject
    assert "\r" not in rendered.subject


@pytest.mark.parametrize(
    ("colour", "text"),
    [("#ffffff", "#000000"), ("#f5b301", "#000000"), ("#206bc4", "#ffffff"), ("#000000", "#ffffff")],
)
def test_words_on_the_brands_colour_can_be_read(colour, text):
    assert rendering.readable_on(colour) == text
