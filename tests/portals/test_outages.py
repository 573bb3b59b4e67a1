"""What people at home see of an outage: a banner, a question by mail, and never their neighbours."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy.models import Organization, Site
from boss.tenancy.services import roles, users
from ipservices import outages as reads
from ipservices.models import Outage, OutageMember
from ipservices.services import outages
from ipservices.services.outages import telling
from tests.cast import Cast
from tests.ipservices import outaging
from tests.ipservices.outaging import BACK, TEXT, Street

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def street(cast: Cast) -> Street:
    return outaging.furnish(cast.alpha)


@pytest.fixture
def maria(street: Street, browser_of: Callable[..., Client]) -> Client:
    return browser_of(street.homes[0].user)


@pytest.fixture
def pia(street: Street, browser_of: Callable[..., Client]) -> Client:
    assert street.neighbour is not None
    return browser_of(street.neighbour.user)


def _text(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_member_sees_the_banner_and_no_form_and_the_neighbour_sees_the_form(
    street: Street, maria: Client, pia: Client
) -> None:
    street.open(note="The excavator of Mr Smith")
    for path in ("/my/", "/my/tickets/", "/my/tickets/new/"):
        shown = _text(maria, path)
        assert TEXT in shown
        assert not any(word in shown for word in ("Ned", "Olga", "node-17", "Node 17", "Smith"))
        assert TEXT not in _text(pia, path)
    assert 'id="new-ticket"' not in _text(maria, "/my/tickets/new/")
    assert 'id="new-ticket"' in _text(pia, "/my/tickets/new/")


def test_a_member_with_another_trouble_gets_the_form(street: Street, maria: Client) -> None:
    street.open()
    assert 'id="new-ticket"' in _text(maria, "/my/tickets/new/?other=1")
    sent = {"category": "internet", "title": "My bill", "body": "It is wrong.", "form_key": "k1"}
    assert maria.post("/my/tickets/new/", sent).status_code == 302


def test_a_member_asks_to_be_told_and_the_neighbour_cannot(street: Street, maria: Client, pia: Client) -> None:
    outage = street.open()
    path = f"/my/outages/{outage.public_id}/tell-me/"
    assert pia.post(path).status_code == 404
    assert reads.count(outage).reported == 0
    assert maria.post(path).status_code == 302
    assert reads.count(outage).reported == 1
    assert "We write to you when it is back" in _text(maria, "/my/")
    assert "Tell me when it is back" not in _text(maria, "/my/")


def test_after_the_outage_the_banner_is_gone(street: Street, maria: Client) -> None:
    outage = street.open()
    outages.restore(actor=street.noc, outage=outage, text=BACK)
    assert TEXT not in _text(maria, "/my/") and BACK not in _text(maria, "/my/")


@pytest.fixture
def asked(street: Street) -> OutageMember:
    outage = street.open()
    outages.restore(actor=street.noc, outage=outage, text=BACK, answer_hours=24)
    street.tell()
    found: OutageMember = OutageMember.objects.get(outage=outage, account=street.homes[0])
    return found


def test_looking_at_the_question_answers_nothing_and_needs_no_sign_in(
    asked: OutageMember, browser_of: Callable[..., Client]
) -> None:
    anybody = browser_of()
    path = f"/outage/{telling.token(asked)}/"
    for _look in range(2):
        answer = anybody.get(path)
        assert answer.status_code == 200 and BACK in answer.content.decode()
        assert "Maria" not in answer.content.decode()
        # Elsewhere the link is not told; here browsers must say where the answer comes from.
        assert answer["Referrer-Policy"] == "same-origin"
    anybody.head(path)
    asked.refresh_from_db()
    assert asked.answer == ""


@pytest.mark.parametrize(("said", "heading"), [("yes", "Good. Thank you."), ("no", "We look into it.")])
def test_an_answer_is_given_by_a_button_and_stands(
    asked: OutageMember, browser_of: Callable[..., Client], said: str, heading: str
) -> None:
    anybody, path = browser_of(), f"/outage/{telling.token(asked)}/"
    assert heading in anybody.post(path, {"back": said}).content.decode()
    other = "no" if said == "yes" else "yes"
    assert heading in anybody.post(path, {"back": other}).content.decode()
    asked.refresh_from_db()
    assert asked.answer == said


def test_a_post_that_says_neither_answers_nothing(asked: OutageMember, browser_of: Callable[..., Client]) -> None:
    assert browser_of().post(f"/outage/{telling.token(asked)}/", {"back": "maybe"}).status_code == 422
    asked.refresh_from_db()
    assert asked.answer == ""


def test_a_link_nobody_signed_and_one_of_another_host_open_nothing(
    asked: OutageMember, browser_of: Callable[..., Client]
) -> None:
    assert browser_of().get("/outage/abc/").status_code == 404
    token = telling.token(asked)
    assert browser_of(host="beta.localhost").get(f"/outage/{token}/").status_code == 404
    assert browser_of(host="beta.localhost").post(f"/outage/{token}/", {"back": "yes"}).status_code == 404
    with scoping.realm_transaction(asked.realm_id):
        asked.refresh_from_db()
    assert asked.answer == ""


def test_a_property_owner_sees_outages_about_his_building_and_no_other(
    cast: Cast, street: Street, browser_of: Callable[..., Client]
) -> None:
    system = Actor.system(cast.alpha.pk)
    elm = Organization.objects.create(name="Elm Court LLC", kind="property_owner")
    oak = Organization.objects.create(name="Oak Court LLC", kind="property_owner")
    for owner, site in ((elm, street.homes[0].site), (oak, street.neighbour and street.neighbour.site)):
        assert site is not None
        Site.objects.filter(pk=site.pk).update(organization=owner)
    people = []
    for owner, name in ((elm, "Ellen Elm"), (oak, "Otto Oak")):
        email = f"{name.split()[0].lower()}@owner.example"
        user = users.create(actor=system, email=email, full_name=name, kind="contact", organization=owner)
        roles.grant(actor=system, user=user, role_key="property_owner", organization=owner)
        people.append(browser_of(user))
    street.open()
    ellen, otto = people
    shown = _text(ellen, "/owner/")
    assert TEXT in shown and "Maria" not in shown and "Tell me" not in shown
    assert TEXT not in _text(otto, "/owner/")
    site = street.homes[0].site
    assert site is not None
    assert TEXT in _text(ellen, f"/owner/buildings/{site.public_id}/")


def test_while_nothing_is_out_no_page_says_anything(street: Street, maria: Client) -> None:
    assert not Outage.objects.exists()
    assert "outage" not in _text(maria, "/my/").lower()
