"""A form that is refused loses nothing: what was typed stands in it, and its files need not be chosen again."""

from __future__ import annotations

import datetime as dt
import io
import re

import pytest
from django.http import HttpResponse
from django.utils import timezone

from boss.core import files, scoping
from boss.core.files import Upload
from boss.core.models import StoredFile
from boss.core.permissions import PermissionDenied
from tests.cast import actor_of
from ticketing import tasks
from ticketing.fields import FieldDef
from ticketing.models import Attachment, KeptFile, Message, Ticket
from ticketing.services import attaching, categories, keeping, tickets
from ticketing.statuses import StatusDef

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60


def named(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def boxes(answer: HttpResponse) -> dict[str, str]:
    """The kept files that a page offers, ticked: name to id."""
    found = re.findall(r'name="kept" value="(\w+)" id="[^"]+" checked><span>([^ <]+)', answer.content.decode())
    return {name: key for key, name in found}


def test_a_refused_form_keeps_its_good_files_and_the_next_try_sends_them(hers, dana, nora, browser_of):
    doors = (
        (dana, f"/my/tickets/{hers.public_id}/", {"form_key": "k2"}),
        (nora, f"/console/tickets/{hers.public_id}/say/", {"kind": "public", "once": "k3"}),
    )
    for who, address, more in doors:
        person = browser_of(who)
        given = [named("setup.exe", b"MZ"), named("ok.png", PNG)]
        refused = person.post(address, {"body": "What I typed", "files": given, **more})
        text = refused.content.decode()
        assert refused.status_code == 422
        assert (
            "What I typed" in text and text.count("setup.exe is a program") == 2
        )  # in the summary, and beside the box
        assert list(boxes(refused)) == ["ok.png"]
        assert not Attachment.objects.filter(added_by=who.full_name).exists()
        again = {"body": "What I typed", "files": [named("more.txt", b"x")], "kept": boxes(refused)["ok.png"]}
        key = re.search(r'name="(?:form_key|once)" value="([^"]+)"', text)
        assert key is not None
        sent = person.post(address, {**again, **{name: key[1] for name in more if name != "kind"}, "kind": "public"})
        assert sent.status_code == 302, re.findall(r"invalid-feedback.*", sent.content.decode())
        message = Message.objects.latest("id")
        assert sorted(each.name for each in message.attachments.all()) == ["more.txt", "ok.png"]
    assert not KeptFile.objects.exists()


def test_a_new_request_keeps_what_a_question_was_answered_with(desk, system, dana, browser_of):
    categories.create(
        actor=system, key="photos", name="Photos", portal_visible=True,
        fields=[FieldDef("plate", "file", label="Type plate", required=True)],
    )  # fmt: skip
    person, typed = browser_of(dana), {"category": "photos", "body": "See", "form_key": "k4"}
    files_given = {"data.plate": named("p.png", PNG), "files": [named("x.txt", b"x"), named("y.txt", b"y")]}
    refused = person.post("/my/tickets/new/", {**typed, "title": "", **files_given})
    kept = boxes(refused)
    assert refused.status_code == 422 and list(kept) == ["p.png", "x.txt", "y.txt"]
    # An answer that brings other questions, or the button that stands in for it, keeps them as well.
    asked = person.post("/my/tickets/new/", {**typed, "title": "My box", "kept": [*kept.values()], "choose": "1"})
    assert boxes(asked) == kept
    wanted = [kept["p.png"], kept["y.txt"]]  # the box of x.txt was cleared
    sent = person.post("/my/tickets/new/", {**typed, "form_key": "k5", "title": "My box", "kept": wanted})
    assert sent.status_code == 302
    ticket = Ticket.objects.get(title="My box")
    assert {(each.name, each.field) for each in ticket.attachments.all()} == {("p.png", "plate"), ("y.txt", "")}


def test_the_desks_other_forms_keep_files_too(desk, system, nora, browser_of):
    categories.create(
        actor=system, key="photos", name="Photos",
        fields=[
            FieldDef("plate", "file", label="Type plate", required_in=("checked",)),
            FieldDef("serial", "text", label="Serial", required_in=("checked",)),
        ],
        statuses=[StatusDef("checked", "Checked", "open")],
    )  # fmt: skip
    ticket = tickets.open(actor=system, category_key="photos", title="Box")
    address, person = f"/console/tickets/{ticket.public_id}", browser_of(nora)
    refused = person.post(f"{address}/move/", {"status": "checked", "data.plate": named("p.png", PNG)})
    assert refused.status_code == 422
    moved = person.post(f"{address}/move/", {"status": "checked", "data.serial": "A1", "kept": boxes(refused)["p.png"]})
    assert moved.status_code == 302
    ticket.refresh_from_db()
    assert ticket.status == "checked" and ticket.attachments.get().public_id == ticket.data["plate"]


def test_nobody_sends_a_file_that_another_has_brought_nor_one_of_another_form(hers, dana, erin, nora, browser_of):
    """Ids are no rights: of a stranger's file, or one of another form, nothing comes along."""
    [row] = keeping.keep(actor=actor_of(nora), form="say:other", place="files", uploads=[Upload.made("a.png", PNG)])
    [own] = keeping.keep(actor=actor_of(dana), form="say:other", place="files", uploads=[Upload.made("b.png", PNG)])
    for each in (row, own):
        browser_of(dana).post(f"/my/tickets/{hers.public_id}/", {"body": "Look", "kept": each.public_id})
    assert Message.objects.filter(body="Look").count() == 2 and not Attachment.objects.exists()
    assert KeptFile.objects.count() == 2


def test_only_people_who_may_write_on_tickets_have_files_kept(alpha, system, visitor, desk):
    for who in (system, visitor):
        with pytest.raises(PermissionDenied):
            keeping.keep(actor=who, form="new", place="files", uploads=[Upload.made("a.png", PNG)])
    assert not KeptFile.objects.exists() and not StoredFile.objects.exists()


def test_refused_forms_do_not_fill_the_database(hers, dana, browser_of, monkeypatch):
    monkeypatch.setattr(keeping, "MOST_FILES", 3)
    person, address = browser_of(dana), f"/my/tickets/{hers.public_id}/"
    first = person.post(address, {"body": "", "files": [named(f"{n}.txt", b"%d" % n) for n in range(2)]})
    assert list(boxes(first)) == ["0.txt", "1.txt"]
    # That the boxes were cleared makes no room.
    second = person.post(address, {"body": "", "files": [named(f"{n}.txt", b"%d" % n) for n in range(2, 5)]})
    assert list(boxes(second)) == ["2.txt"]
    assert "Please choose your files again: 3.txt, 4.txt." in second.content.decode()
    assert KeptFile.objects.count() == 3 == StoredFile.objects.count()


def test_after_a_day_they_are_gone_and_their_bytes_with_them(real_db, cast, monkeypatch):
    def kept(name: str) -> KeptFile:
        upload = Upload.made(name, name.encode())
        return keeping.keep(actor=actor_of(cast.bob), form="new", place="files", uploads=[upload])[0]

    yesterday = timezone.now() - dt.timedelta(days=1, seconds=1)
    with scoping.realm_transaction(cast.alpha.pk):
        with monkeypatch.context() as then:
            then.setattr(timezone, "now", lambda: yesterday)
            kept("old.txt")
        new = kept("new.txt")
    assert tasks.sweep_texts() == 1
    assert files.drop_unnamed() == 1
    with scoping.realm_transaction(cast.alpha.pk):
        assert KeptFile.objects.get() == new and StoredFile.objects.get() == new.file


def test_what_no_ticket_takes_is_not_kept(hers, dana, browser_of, system):
    attaching.set_limits(actor=system, count=5, file_mib=1, total_mib=1, mail_mib=1)
    large = named("large.bin", b"x" * (1024 * 1024 + 1))
    answer = browser_of(dana).post(
        f"/my/tickets/{hers.public_id}/", {"body": "", "files": [large, named("e.txt", b"")]}
    )
    text = answer.content.decode()
    assert "large.bin is too large: at most 1 MiB" in text and "e.txt is empty." in text
    assert not KeptFile.objects.exists()
