"""Files at every door: the console, the portals and the API take them and hand them over in the same way."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile as File

from boss.core.models import FileScan
from tests.cast import actor_of
from ticketing import file_limits
from ticketing.fields import FieldDef
from ticketing.models import Attachment, Ticket
from ticketing.services import categories, tickets

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
PAGE = b"<!doctype html><script>alert(1)</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def named(name: str, content: bytes) -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


@pytest.fixture
def hostile(hers, dana) -> list[Attachment]:
    given = [
        File("shown.png", PNG),
        File("page.html", PAGE),
        File("a.svg", SVG),
        File('q"; x=\r\ny 請求.pdf', b"%PDF-1.7 "),
    ]
    tickets.add_message(actor=actor_of(dana), ticket=hers, body="Look", files=given)
    return list(Attachment.objects.order_by("id"))


def test_the_console_hands_over_what_no_browser_takes_for_a_page(hostile, nora, browser_of):
    desk = browser_of(nora)
    for each in hostile:
        answer = desk.get(f"/console/tickets/files/{each.public_id}/")
        assert answer.status_code == 200
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert (
            "sandbox" in answer["Content-Security-Policy"] and "default-src 'none'" in answer["Content-Security-Policy"]
        )
        shown = each.name == "shown.png"
        assert answer["Content-Type"] == ("image/png" if shown else "application/octet-stream")
        assert answer["Content-Disposition"].startswith("inline" if shown else "attachment")
        assert "\r" not in answer["Content-Disposition"] and "\n" not in answer["Content-Disposition"]


def test_pages_show_name_size_kind_and_state(hostile, hers, nora, dana, browser_of):
    for who, address in ((nora, f"/console/tickets/{hers.public_id}/"), (dana, f"/my/tickets/{hers.public_id}/")):
        text = browser_of(who).get(address).content.decode()
        assert "page.html" in text and "picture · not checked for viruses" in text
        assert text.count('loading="lazy"') == 1  # the one picture among them, and nothing that only says so


def test_what_is_not_offered_has_no_link_and_its_address_says_why(hostile, hers, dana, nora, browser_of):
    Attachment.objects.update(scan=FileScan.BLOCKED)
    for who, page, file in (
        (nora, "/console/tickets/", "/console/tickets/files/"),
        (dana, "/my/tickets/", "/my/tickets/files/"),
    ):
        visitor = browser_of(who)
        text = visitor.get(f"{page}{hers.public_id}/").content.decode()
        assert "blocked: the virus scanner refuses it" in text and "/files/" not in text
        assert visitor.get(f"{file}{hostile[0].public_id}/").status_code == 409


def test_dana_sends_several_files_without_any_script_and_erin_gets_none_of_them(hers, dana, erin, browser_of):
    sent = browser_of(dana).post(
        f"/my/tickets/{hers.public_id}/",
        {"body": "Two pictures", "form_key": "k1", "files": [named("a.png", PNG), named("b.txt", b"down")]},
    )
    assert sent.status_code == 302
    for each in Attachment.objects.all():
        assert browser_of(dana).get(f"/my/tickets/files/{each.public_id}/").status_code == 200
        assert browser_of(erin).get(f"/my/tickets/files/{each.public_id}/").status_code == 404
    assert {each.name for each in Attachment.objects.all()} == {"a.png", "b.txt"}


def test_a_new_request_takes_files_and_a_field_asks_for_one(desk, system, dana, browser_of):
    categories.create(
        actor=system, key="photos", name="Photos", portal_visible=True,
        fields=[FieldDef("plate", "file", label="Type plate", required=True)],
    )  # fmt: skip
    visitor = browser_of(dana)
    typed = {"category": "photos", "title": "My box", "body": "See", "form_key": "k4"}
    refused = visitor.post("/my/tickets/new/", typed)
    assert refused.status_code == 422 and "Please fill this in." in refused.content.decode()
    sent = visitor.post(
        "/my/tickets/new/", {**typed, "data.plate": named("p.png", PNG), "files": [named("x.txt", b"x")]}
    )
    assert sent.status_code == 302
    ticket = Ticket.objects.get(title="My box")
    assert {(each.name, each.field) for each in ticket.attachments.all()} == {("p.png", "plate"), ("x.txt", "")}
    text = visitor.get(sent["Location"]).content.decode()
    assert "Type plate" in text and "p.png" in text and ticket.data["plate"] in text


def test_staff_put_a_file_into_a_field_replace_it_and_take_it_away(desk, system, nora, browser_of):
    categories.create(actor=system, key="photos", name="Photos", fields=[FieldDef("plate", "file", label="Type plate")])
    ticket = tickets.open(actor=system, category_key="photos", title="Box")
    address, console = f"/console/tickets/{ticket.public_id}/fill/", browser_of(nora)
    assert console.post(address, {"data.plate": named("1.png", PNG)}).status_code == 302
    assert "1.png" in console.get(f"/console/tickets/{ticket.public_id}/").content.decode()
    first = Ticket.objects.get(pk=ticket.pk).data["plate"]
    assert console.post(address, {}).status_code == 302
    assert Ticket.objects.get(pk=ticket.pk).data["plate"] == first
    assert console.post(address, {"data.plate": named("2.png", PNG)}).status_code == 302
    assert Ticket.objects.get(pk=ticket.pk).data["plate"] != first
    assert console.post(address, {"data.plate-clear": "on"}).status_code == 302
    assert "plate" not in Ticket.objects.get(pk=ticket.pk).data


def test_the_api_takes_files_as_a_form_and_hands_them_over(hers, dana, nora, erin, browser_of):
    address = f"/api/v1/ticketing/tickets/{hers.public_id}/messages/"
    staff = browser_of(nora)
    said = staff.post(
        address, {"body": "Here", "kind": "internal", "files": [named("a.png", PNG), named("b.html", PAGE)]}
    )
    assert said.status_code == 201, said.content
    told = said.json()["attachments"]
    assert [(each["name"], each["scan"]) for each in told] == [("a.png", "unscanned"), ("b.html", "unscanned")]
    [listed] = [each for each in staff.get(address).json() if each["body"] == "Here"]
    assert listed["attachments"] == told
    content = f"/api/v1/ticketing/attachments/{told[1]['public_id']}/content/"
    assert staff.get(content).content == PAGE and staff.get(content)["Content-Type"] == "application/octet-stream"
    for who in (dana, erin):
        assert browser_of(who).get(content).status_code == 404
        assert browser_of(who).get(content.replace("content/", "")).status_code == 404
    refused = staff.post(address, {"body": "x", "files": [named("a.exe", b"MZ")]})
    assert refused.status_code == 422 and "is a program" in refused.json()["fields"]["files"][0]


def test_the_same_form_sent_twice_with_one_key_keeps_its_files_once(hers, nora, browser_of):
    address = f"/api/v1/ticketing/tickets/{hers.public_id}/messages/"
    for _time in range(2):
        body = {"body": "Here", "files": [named("a.png", PNG), named("b.txt", b"text")]}
        said = browser_of(nora).post(address, body, headers={"Idempotency-Key": "one"})
        assert said.status_code == 201
    assert sorted((each.name, each.size) for each in Attachment.objects.all()) == [("a.png", len(PNG)), ("b.txt", 4)]


def test_limits_are_set_on_a_page_and_on_the_api(cast, alpha, browser_of, nora):
    admin = browser_of(cast.alice)
    wanted = {"count": 5, "file_mib": 10, "total_mib": 20, "mail_mib": 8}
    assert admin.post("/console/tickets/files/", wanted).status_code == 302
    assert file_limits.of_realm(alpha.pk).to_json() == wanted
    again = admin.post("/api/v1/ticketing/file-limits/", wanted | {"count": 6}, content_type="application/json")
    assert again.json()["count"] == 6 == admin.get("/api/v1/ticketing/file-limits/").json()["count"]
    assert admin.post("/console/tickets/files/", wanted | {"count": 500}).status_code == 422
    assert browser_of(nora).get("/console/tickets/files/").status_code == 403
