"""Outages in the console: opened with the number of those concerned, told of, joined, ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from boss.tenancy.models import User
from ipservices import outages as reads
from ipservices.models import Outage, OutageUpdate
from ipservices.services import outages
from tests.cast import Cast
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT, Street

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


@pytest.fixture
def nina(street: Street, browser_of: Callable[..., Client]) -> Client:
    return browser_of(User.objects.get(email="noc@alpha.example"))


def _text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


NEW: dict[str, Any] = {
    "title": "Node 17 is down", "category": "outage", "nodes": "node-17", "text": TEXT, "by_mail": "on",
    "form_key": "a1",
}  # fmt: skip


def test_the_number_of_those_concerned_is_there_before_anything_is_opened(nina: Client) -> None:
    said = nina.post("/console/outages/count/", {"nodes": "node-17"}).content.decode()
    assert "3 accounts are affected" in said
    assert "node-99 is not known" in nina.post("/console/outages/count/", {"nodes": "node-99"}).content.decode()
    assert not Outage.objects.exists()


def test_an_outage_is_opened_once_however_often_the_form_is_sent(nina: Client) -> None:
    for _again in range(2):
        assert nina.post("/console/outages/new/", NEW).status_code == 302
    outage = Outage.objects.get()
    shown = _text(nina, f"/console/outages/of/{outage.public_id}/")
    assert "node-17" in shown and TEXT in shown and "Maria" in shown and "Pia" not in shown


def test_a_wrong_name_is_told_beside_its_box_and_loses_nothing(nina: Client) -> None:
    answer = nina.post("/console/outages/new/", {**NEW, "nodes": "", "cities": "Atlantis"})
    shown = answer.content.decode()
    assert answer.status_code == 422 and "Atlantis is not known" in shown and TEXT in shown
    assert answer.context["form"].errors.keys() == {"cities"}
    assert not Outage.objects.exists()


def test_one_update_is_said_on_the_page_and_one_end(street: Street, nina: Client) -> None:
    outage = street.open()
    path = f"/console/outages/of/{outage.public_id}/"
    assert nina.post(f"{path}tell/", {"text": "Four o'clock.", "by_mail": "on", "form_key": "b1"}).status_code == 302
    assert nina.post(f"{path}tell/", {"text": "Four o'clock.", "by_mail": "on", "form_key": "b1"}).status_code == 302
    assert nina.post(f"{path}tell/", {"text": ""}).status_code == 422
    assert OutageUpdate.objects.count() == 2
    assert nina.post(f"{path}restore/", {"text": BACK, "answer_hours": 0}).status_code == 422
    assert Outage.objects.get().is_open
    assert nina.post(f"{path}restore/", {"text": BACK, "answer_hours": 24}).status_code == 302
    assert not Outage.objects.get().is_open
    assert nina.post(f"{path}restore/", {"text": BACK, "answer_hours": 24}).status_code == 409
    assert OutageUpdate.objects.count() == 3
    street.tell()
    assert "3 asked: 0 yes, 0 no, 0 no answer, 3 still to answer" in _text(nina, path)


def test_what_is_known_stands_in_the_next_update_so_that_saying_more_takes_nothing_away(nina: Client) -> None:
    nina.post("/console/outages/new/", {**NEW, "eta_at": "2031-05-04T17:30"})
    shown = _text(nina, f"/console/outages/of/{Outage.objects.get().public_id}/")
    assert 'value="2031-05-04T17:30"' in shown and f"{TEXT}</textarea>" in shown


def test_a_member_and_a_ticket_are_taken_out_on_the_page_and_put_back(
    cast: Cast, street: Street, browser_of: Callable[..., Client]
) -> None:
    bob, outage, asked = browser_of(cast.bob), street.open(), street.ask(street.homes[0])
    outages.add_ticket(actor=street.noc, outage=outage, ticket=asked)
    path, then = f"/console/outages/of/{outage.public_id}/", f"/console/tickets/{asked.public_id}/"
    assert "Take out of the outage" in _text(bob, then)
    assert bob.post(f"{path}take-out/", {"ticket": asked.public_id, "then": then})["Location"] == then
    assert "Add to outage" in _text(bob, then) and reads.count(outage).tickets == 0
    bob.post(f"{path}take-out/", {"account": street.homes[0].public_id})
    assert "Put back" in _text(bob, path) and reads.count(outage).members == 2
    assert "Node 17" not in _text(bob, then)
    bob.post(f"{path}add/", {"account": street.homes[0].public_id})
    assert "Put back" not in _text(bob, path) and reads.count(outage).members == 3


def test_a_false_alarm_is_called_off_on_the_page(
    cast: Cast, street: Street, nina: Client, browser_of: Callable[..., Client]
) -> None:
    outage = street.open()
    path = f"/console/outages/of/{outage.public_id}/"
    bob = browser_of(cast.bob)
    assert "End it as a false alarm" not in _text(bob, path)
    assert bob.post(f"{path}false-alarm/", {"text": "None."}).status_code == 403
    assert nina.post(f"{path}false-alarm/", {"text": ""}).status_code == 422
    assert Outage.objects.get().is_open
    assert nina.post(f"{path}false-alarm/", {"text": "It was none.", "by_mail": "on"}).status_code == 302
    assert nina.post(f"{path}false-alarm/", {"text": "It was none."}).status_code == 409
    shown = _text(nina, path)
    assert "False alarm" in shown and "It was none." in shown and "Put back" not in shown and "Take out" not in shown
    assert "False alarm" in _text(nina, "/console/outages/")


def test_bob_reads_outages_and_cannot_open_one(cast: Cast, street: Street, browser_of: Callable[..., Client]) -> None:
    bob = browser_of(cast.bob)
    outage = street.open()
    shown = _text(bob, f"/console/outages/of/{outage.public_id}/")
    assert "End the outage" not in shown and "Say what is new" not in shown
    assert bob.post("/console/outages/new/", NEW).status_code == 403
    assert bob.post(f"/console/outages/of/{outage.public_id}/restore/", {"text": BACK}).status_code == 403
    assert Outage.objects.get().is_open


def test_charlie_finds_no_outage_of_alpha(cast: Cast, street: Street, browser_of: Callable[..., Client]) -> None:
    outage = street.open()
    charlie = browser_of(cast.charlie)
    assert charlie.get(f"/console/outages/of/{outage.public_id}/").status_code == 404
    assert "Node 17" not in _text(charlie, "/console/outages/")


def test_account_ticket_and_home_say_that_there_is_an_outage_and_add_to_it_by_one_click(
    cast: Cast, street: Street, browser_of: Callable[..., Client]
) -> None:
    bob = browser_of(cast.bob)
    asked = street.ask(street.homes[0])
    assert "Outage" not in _text(bob, f"/console/tickets/{asked.public_id}/")
    outage = street.open()
    assert "Node 17 is down" in _text(bob, "/console/")
    assert "Node 17 is down" in _text(bob, f"/console/accounts/{street.homes[1].public_id}/")
    page = _text(bob, f"/console/tickets/{asked.public_id}/")
    assert "3 accounts are affected" in page and "Add to outage" in page
    then = f"/console/tickets/{asked.public_id}/"
    answer = bob.post(f"/console/outages/of/{outage.public_id}/add/", {"ticket": asked.public_id, "then": then})
    assert answer["Location"] == then
    page = _text(bob, then)
    assert "Belongs to the outage" in page and "Add to outage" not in page
    bob.post(f"/console/outages/of/{outage.public_id}/add/", {"account": street.homes[1].public_id})
    assert "Add to outage" not in _text(bob, f"/console/accounts/{street.homes[1].public_id}/")
    counts = reads.count(outage)
    assert (counts.tickets, counts.reported, counts.members) == (1, 2, 3)


def test_the_neighbour_s_pages_say_nothing(cast: Cast, street: Street, browser_of: Callable[..., Client]) -> None:
    assert street.neighbour is not None
    street.open()
    bob = browser_of(cast.bob)
    assert "Node 17" not in _text(bob, f"/console/accounts/{street.neighbour.public_id}/")
    assert "Node 17" not in _text(bob, f"/console/tickets/{street.ask(street.neighbour).public_id}/")


def test_the_page_of_an_outage_asks_as_much_for_many_members_as_for_few(
    street: Street, nina: Client, statements_of: Callable[..., list[str]]
) -> None:
    outage = street.open()
    for home in street.homes:
        outages.add_ticket(actor=street.noc, outage=outage, ticket=street.ask(home))
    street.tell()
    path = f"/console/outages/of/{outage.public_id}/"
    few = len(statements_of(nina, path))
    for number in range(4):
        street.move_in(f"Quin{number}", 50 + number, "node-17", signs_in=False)
    outages.update(actor=street.noc, outage=outage, text="More.")
    street.tell()
    assert len(statements_of(nina, path)) == few
    assert few <= 20
