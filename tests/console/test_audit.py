"""The audit trail's pages: who did what, whether it was changed since, files of it; a subscriber's own history."""

from __future__ import annotations

import csv
import io
import json

import pytest

from boss.core import audit, exports, origin, scoping, tasks
from boss.core.actors import Actor
from boss.core.models import AuditEntry, AuditExport
from boss.tenancy.models import User
from boss.tenancy.services import acting, users
from tests.cast import PASSWORD, actor_of, make_user
from tests.portals.test_second_step import with_app
from tests.portals.visiting import words

PAGE = "/console/audit/"


@pytest.fixture
def trail(alpha, alice, bob):
    """Alice renames, Bob opens: two entries with values, from two addresses."""
    with origin.coming_from("192.0.2.7"):
        audit.record(actor=alice, action="thing.renamed", subject=alpha, before={"name": "Old"}, after={"name": "New"})
    with origin.coming_from("2001:db8::1"):
        audit.record(actor=bob, action="thing.opened", subject=alpha, after={"formula": "=1+1"})


def shown(browser_of, user, query=""):
    return browser_of(user).get(PAGE + query).content.decode()


def test_an_entry_shows_who_from_where_and_what_differs(trail, cast, browser_of):
    text = shown(browser_of, cast.alice)
    assert "Alice Able" in text
    assert "192.0.2.7" in text
    assert "<del>Old</del>" in text
    assert "<ins>New</ins>" in text


@pytest.mark.parametrize(
    ("query", "renamed", "opened"),
    [
        ("?person=alice", True, False),
        ("?action=thing.o", False, True),
        ("?address=192.0.2.0/24", True, False),
        ("?address=2001:db8::/32", False, True),
        ("?address=nonsense", True, True),
        ("?subject=Alpha", True, True),
        ("?since=2001-01-01&until=2001-01-02", False, False),
        ("?kind=tenancy.realm", True, True),
    ],
)
def test_filters_narrow_the_list(trail, cast, browser_of, query, renamed, opened):
    text = shown(browser_of, cast.alice, query)
    assert ("thing.renamed" in text, "thing.opened" in text) == (renamed, opened)


def test_reading_the_trail_is_on_record_once_in_a_while(trail, cast, browser_of):
    client = browser_of(cast.alice)
    for _look in range(3):
        assert client.get(PAGE).status_code == 200
    assert AuditEntry.objects.filter(action="audit.read", actor_id=cast.alice.pk).count() == 1


def test_a_csr_and_another_realm_see_none_of_it(trail, cast, browser_of):
    assert browser_of(cast.bob).get(PAGE).status_code == 403
    assert not AuditEntry.objects.filter(action="audit.read").exists()
    assert "thing.renamed" not in browser_of(cast.charlie).get(PAGE).content.decode()


def test_the_page_asks_as_much_for_fifty_entries_as_for_one(trail, alpha, alice, cast, browser_of, statements_of):
    client = browser_of(cast.alice)
    few = statements_of(client, PAGE)
    for number in range(60):
        audit.record(actor=alice, action="thing.done", subject=alpha, after={"number": number})
    assert len(statements_of(client, PAGE)) == len(few) <= 12


def test_the_list_becomes_a_file_that_only_its_realm_can_fetch(
    trail, cast, alpha, browser_of, django_capture_on_commit_callbacks
):
    client = browser_of(cast.alice)
    client.post(f"{PAGE}export/", {"format": "csv", "action": "thing."})
    file = AuditExport.objects.get()
    path = f"{PAGE}exports/{file.public_id}/"
    assert client.get(path).status_code == 302  # not yet made
    assert tasks.write_export(alpha.pk, file.pk) is True
    assert tasks.write_export(alpha.pk, file.pk) is False  # once
    answer = client.get(path)
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["action"] for row in rows] == ["thing.renamed", "thing.opened"]
    assert json.loads(rows[1]["after"]) == {"formula": "=1+1"}
    assert AuditEntry.objects.get(action="audit.exported").after == {"format": "csv", "action": "thing."}
    assert browser_of(cast.bob).get(path).status_code == 403
    assert browser_of(cast.charlie).get(path).status_code == 404


def test_a_name_that_a_spreadsheet_would_run_is_only_text(alpha, alice):
    audit.record(actor=Actor.system(alpha.pk, "=HYPERLINK(1)"), action="thing.done", subject=alpha)
    file = exports.ask(actor=alice, wanted=exports.Wanted(action="thing."), format="csv")
    exports.write(alpha.pk, file.pk)
    assert "'=HYPERLINK(1)" in exports.content(alice, file.public_id)[1].decode()


def test_a_file_is_dropped_when_its_time_is_over(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        file = exports.ask(actor=actor_of(cast.alice), wanted=exports.Wanted(), format="jsonl")
    assert exports.due() == [(cast.alpha.pk, file.pk)]
    assert tasks.sweep_exports() == 1
    with scoping.realm_transaction(cast.alpha.pk):
        found, data = exports.content(actor_of(cast.alice), file.public_id)
        assert json.loads(data.splitlines()[0])["action"]
        AuditExport.objects.update(expires_at=found.asked_at)
    assert exports.expire() == 1
    with scoping.realm_transaction(cast.alpha.pk), pytest.raises(exports.NotReady):
        exports.content(actor_of(cast.alice), file.public_id)


def test_a_subscriber_sees_what_was_done_to_him_and_nobodys_name(cast, alpha, alice, browser_of):
    sam = make_user(cast.alpha, "sam@mail.example", "Sam Soto", "subscriber", kind="subscriber", own=True)
    users.set_password(actor=alice, user=sam, password="another long one")
    with origin.coming_from("192.0.2.9"):
        users.set_password(actor=actor_of(sam), user=sam, password="yet another one")
    audit.record(actor=alice, action="internal.thing", subject=User.objects.get(pk=sam.pk))
    text = browser_of(sam).get("/my/history/").content.decode()
    assert text.count("Your password was changed") == 2
    assert "192.0.2.9" in text
    assert "Alice" not in text
    assert "internal" not in text.split("<main")[1]
    assert "Your password" not in browser_of(cast.charlie).get("/my/history/").content.decode()


def test_a_sign_in_and_a_second_factor_stand_in_ones_own_history(cast, alpha, browser_of):
    sam = make_user(cast.alpha, "sam@mail.example", "Sam Soto", "subscriber", kind="subscriber", own=True)
    browser_of().post("/login/", {"email": sam.email, "password": PASSWORD})
    with_app(sam)
    text = browser_of(sam).get("/my/history/").content.decode()
    assert "Signed in" in text and "An authenticator app was set up" in text and "sign_in." not in text


def test_a_persons_page_says_in_words_what_was_done_and_in_whose_place(cast, alpha, alice, system, browser_of):
    sam = make_user(cast.alpha, "sam@mail.example", "Sam Soto", "subscriber", kind="subscriber", own=True)
    users.change(actor=alice, user=sam, full_name="Sam Sotomayor", phone="")
    acting.begin(actor=alice, subscriber=User.objects.get(pk=sam.pk), reason="TL-1")
    audit.record(actor=system, action="nms.port_opened", subject=User.objects.get(pk=sam.pk))
    said = words(browser_of(cast.alice).get(f"/console/people/{sam.public_id}/"))
    assert "Name or phone changed" in said and "Full name: Sam Soto Sam Sotomayor" in said
    assert "Self-help opened in the subscriber's place" in said and "in place of Sam" in said
    assert "Nms port opened" in said  # nobody's words: its own name
    assert "user.changed" not in said and "acting.begun" not in said
