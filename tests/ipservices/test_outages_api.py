"""Outages on the API: opened by a monitoring system, told of, joined and ended by the same services."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from boss.tenancy.models import User
from ipservices import outages as reads
from ipservices.models import Outage, OutageUpdate
from tests.cast import Cast
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT, Street

pytestmark = pytest.mark.usefixtures("alpha")
PATH = "/api/v1/ipservices/outages/"
JSON = "application/json"
NEW = {
    "category": "outage", "title": "Node 17 is down", "text": TEXT, "scopes": [{"kind": "node", "name": "node-17"}],
}  # fmt: skip


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


@pytest.fixture
def nina(street: Street, browser_of: Callable[..., Client]) -> Client:
    return browser_of(User.objects.get(email="noc@alpha.example"))


def test_an_outage_lives_its_whole_life_on_the_api(street: Street, nina: Client) -> None:
    made = nina.post(PATH, NEW, JSON)
    assert made.status_code == 201
    one = made.json()
    assert one["counts"]["members"] == 3 and one["scopes"] == [{"kind": "node", "name": "node-17", "id": ""}]
    path = f"{PATH}{one['public_id']}/"
    ticket = street.ask(street.homes[0])
    assert nina.post(f"{path}add/", {"ticket": ticket.public_id}, JSON).status_code == 200
    assert street.neighbour is not None
    assert nina.post(f"{path}add/", {"account": street.neighbour.public_id}, JSON).status_code == 200
    told = nina.post(f"{path}tell/", {"text": "Four o'clock.", "eta_at": "2099-01-01T16:00:00Z"}, JSON)
    assert told.status_code == 202 and told.json()["public_text"] == "Four o'clock."
    assert told.json()["eta_at"].startswith("2099-01-01T16:00")
    over = nina.post(f"{path}restore/", {"text": BACK, "answer_hours": 12}, JSON)
    assert over.status_code == 202 and over.json()["is_open"] is False
    street.tell()
    found = nina.get(path).json()
    assert [each["told"] for each in found["updates"]] == [4, 4, 4]
    assert found["counts"]["asked"] == 4 and found["counts"]["open_tickets"] == 0
    members = nina.get(f"{path}members/").json()["results"]
    assert len(members) == 4 and sum(len(each["tickets"]) for each in members) == 1
    assert nina.get(PATH, {"open": "true"}).json()["results"] == []
    assert [each["public_id"] for each in nina.get(PATH).json()["results"]] == [one["public_id"]]


def test_a_member_is_taken_out_and_a_false_alarm_called_off_on_the_api(street: Street, nina: Client) -> None:
    outage, ticket = street.open(), street.ask(street.homes[0])
    path = f"{PATH}{outage.public_id}/"
    nina.post(f"{path}add/", {"ticket": ticket.public_id}, JSON)
    assert nina.post(f"{path}take-out/", {"ticket": ticket.public_id}, JSON).json()["counts"]["tickets"] == 0
    out = nina.post(f"{path}take-out/", {"account": street.homes[0].public_id}, JSON)
    assert (out.json()["counts"]["members"], out.json()["counts"]["taken_out"]) == (2, 1)
    members = nina.get(f"{path}members/").json()["results"]
    assert [each["number"] for each in members if each["taken_out_at"]] == [street.homes[0].number]
    assert nina.post(f"{path}take-out/", {"account": "000000000000"}, JSON).status_code == 422
    assert nina.post(f"{path}false-alarm/", {"text": ""}, JSON).status_code == 422
    over = nina.post(f"{path}false-alarm/", {"text": "It was none."}, JSON)
    assert over.status_code == 202 and over.json()["is_false_alarm"] is True and over.json()["is_open"] is False
    assert nina.post(f"{path}take-out/", {"account": street.homes[1].public_id}, JSON).status_code == 409


def test_what_is_wrong_is_said_by_field_and_nothing_is_opened(nina: Client) -> None:
    answer = nina.post(PATH, {**NEW, "scopes": [{"kind": "node", "name": "node-99"}]}, JSON)
    assert answer.status_code == 422 and "scopes" in answer.json()["fields"]
    assert not Outage.objects.exists()


def test_a_subscriber_has_no_list_of_outages_and_bob_cannot_end_one(
    cast: Cast, street: Street, browser_of: Callable[..., Client]
) -> None:
    outage = street.open()
    assert browser_of(street.homes[0].user).get(PATH).status_code == 403
    bob, path = browser_of(cast.bob), f"{PATH}{outage.public_id}/"
    assert bob.get(path).status_code == 200
    for verb, given in (("tell", {"text": "x"}), ("restore", {"text": "x"}), ("false-alarm", {"text": "x"})):
        assert bob.post(f"{path}{verb}/", given, JSON).status_code == 403
    assert bob.post(f"{path}add/", {}, JSON).status_code == 422
    assert OutageUpdate.objects.count() == 1 and reads.count(outage).members == 3


def test_charlie_finds_nothing_of_alpha(cast: Cast, street: Street, browser_of: Callable[..., Client]) -> None:
    outage = street.open()
    charlie = browser_of(cast.charlie)
    assert charlie.get(PATH).json()["results"] == []
    for verb in ("tell", "restore", "add", "take-out", "false-alarm"):
        assert charlie.post(f"{PATH}{outage.public_id}/{verb}/", {"text": "x"}, JSON).status_code == 404
    assert OutageUpdate.objects.count() == 1
