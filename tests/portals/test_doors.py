"""Signing in and out, and the links that set a password."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core import mail
from django.test import Client

from boss.core import clock, scoping
from boss.notify.models import Message
from boss.portals.selfhelp.views import sign_in as views
from boss.tenancy.models import Session, User
from boss.tenancy.services import invitations, realms
from tests.cast import PASSWORD, Cast, make_user
from tests.portals.visiting import Visitor, message_beside, text, words


def sign_in(door: Client, email: str, password: str = PASSWORD, **more: str):
    return door.post("/login/", {"email": email, "password": password} | more)


def test_a_subscriber_comes_to_self_help_and_staff_to_the_console(door: Client, cast: Cast, maria: User):
    assert sign_in(door, " Maria@Example.com ")["Location"] == "/my/"
    door.post("/logout/")
    assert sign_in(door, cast.bob.email)["Location"] == "/console/"


def test_the_first_page_of_the_host_leads_everybody_where_he_belongs(door: Client, maria: User):
    assert door.get("/")["Location"] == "/signup/"
    sign_in(door, maria.email)
    assert door.get("/")["Location"] == "/my/"


@pytest.fixture
def platform(real_db: str, cast: Cast) -> Client:
    """A browser on the host of the people who run the installation, where Olga operates."""
    realm = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    make_user(realm, "olga@platform.example", "Olga Operator")
    return Visitor(realm.pk, "platform.localhost").client


def test_the_platforms_first_page_is_the_back_office_for_everybody(platform: Client):
    assert platform.get("/")["Location"] == "/admin/"
    assert sign_in(platform, "olga@platform.example")["Location"] == "/admin/"
    assert platform.get("/")["Location"] == "/admin/"
    assert platform.get("/login/")["Location"] == "/admin/"


@pytest.mark.parametrize(("path", "status"), [("/nothing-here/", 404), ("/console/", 403)])
def test_the_button_of_an_error_page_leads_to_a_page_that_opens(platform: Client, path: str, status: int):
    sign_in(platform, "olga@platform.example")
    refused = platform.get(path)
    assert refused.status_code == status
    button = re.search(r'class="btn btn-primary" href="([^"]*)"', text(refused))
    assert button
    assert platform.get(button[1], follow=True).status_code == 200


@pytest.mark.parametrize(("kind", "home"), [("staff", "/console/"), ("subscriber", "/my/")])
def test_the_button_of_an_error_page_leads_people_home(door: Client, cast: Cast, maria: User, kind: str, home: str):
    sign_in(door, cast.bob.email if kind == "staff" else maria.email)
    button = re.search(r'class="btn btn-primary" href="([^"]*)"', text(door.get("/nothing-here/")))
    assert button
    last = door.get(button[1], follow=True)
    assert (last.status_code, last.request["PATH_INFO"]) == (200, home)


def test_a_page_that_breaks_says_so_with_a_reference_and_tells_nothing_else(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
):
    def broken(*given: object, **named: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(views, "_form_page", broken)
    answer = Client(headers={"host": "alpha.localhost"}, raise_request_exception=False).get("/login/")
    page = text(answer)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in page and answer["X-Request-ID"] in page and 'href="/"' in page
    assert "secret" not in page and "RuntimeError" not in page


def test_a_page_asked_for_before_is_shown_after_signing_in(door: Client, maria: User):
    target = door.get("/my/tickets/")["Location"]
    assert target.startswith("/login/?next=")
    assert 'name="next" value="/my/tickets/"' in text(door.get(target))
    assert sign_in(door, maria.email, next="/my/tickets/")["Location"] == "/my/tickets/"


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_nobody_is_led_to_a_foreign_address(door: Client, maria: User, target: str):
    assert sign_in(door, maria.email, next=target)["Location"] == "/my/"


def test_the_answer_does_not_tell_whether_somebody_exists(door: Client, maria: User):
    known = sign_in(door, maria.email, "wrong wrong wrong")
    unknown = sign_in(door, "nobody@example.com", "wrong wrong wrong")
    assert known.status_code == unknown.status_code == 422
    assert "E-mail or password is not right" in words(known)
    assert words(known) == words(unknown)
    assert 'value="maria@example.com"' in text(known)
    assert "wrong wrong wrong" not in text(known)


def test_charlies_password_opens_nothing_in_alices_realm(door: Client, cast: Cast):
    assert sign_in(door, cast.charlie.email).status_code == 422


@pytest.mark.parametrize(
    ("field", "typed"), [("email", {"email": "no", "password": "x"}), ("password", {"email": "a@b.example"})]
)
def test_what_is_missing_is_said_beside_its_field(door: Client, field: str, typed: dict[str, str], cast: Cast):
    response = door.post("/login/", typed)
    assert response.status_code == 422
    assert message_beside(response, field)


def test_after_too_many_attempts_a_pause_is_asked_for(door: Client, maria: User):
    for _attempt in range(5):
        sign_in(door, maria.email, "wrong wrong wrong")
    paused = sign_in(door, maria.email)
    assert paused.status_code == 429
    assert "Please wait" in words(paused)
    assert 'value="maria@example.com"' in text(paused)


def test_signing_out_takes_a_click_and_not_a_link(door: Client, maria: User):
    sign_in(door, maria.email)
    assert door.get("/logout/").status_code == 405
    door.post("/logout/")
    assert door.get("/my/").status_code == 302


def test_the_session_changes_its_key_when_somebody_signs_in(door: Client, maria: User, cast: Cast):
    door.get("/signup/")
    door.post("/signup/start-again/")
    before = door.cookies["sessionid"].value if "sessionid" in door.cookies else ""
    sign_in(door, maria.email)
    assert door.cookies["sessionid"].value != before
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert not Session.objects.filter(session_key=before).exists()


# Links


def test_a_link_goes_to_people_who_exist_and_the_page_says_the_same_to_all(door: Client, cast: Cast, maria: User):
    known = door.post("/login/forgotten/", {"email": maria.email})
    unknown = door.post("/login/forgotten/", {"email": "nobody@example.com"})
    assert words(known).replace(maria.email, "") == words(unknown).replace("nobody@example.com", "")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Message.objects.filter(template="password_link").count() == 1
    assert len(mail.outbox) <= 1


def test_asking_again_within_a_minute_sends_no_second_mail_and_says_the_same(door, cast, maria):
    def ask(later: int) -> tuple[str, int]:
        with clock.moved(dt.timedelta(seconds=later)):
            said = words(door.post("/login/forgotten/", {"email": maria.email}))
        with scoping.realm_transaction(cast.alpha.pk, "test"):
            return said, Message.objects.filter(template="password_link").count()

    said, sent = ask(0)
    assert sent == 1
    # 55 seconds later it is nearly always another minute of the clock.
    for later, expected in ((0, 1), (1, 1), (30, 1), (55, 1), (62, 2)):
        assert ask(later) == (said, expected), later


def test_somebody_elses_link_does_not_wait_for_marias(door, cast, maria):
    for person in (maria, cast.bob):
        door.post("/login/forgotten/", {"email": person.email})
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Message.objects.filter(template="password_link").count() == 2


def test_a_bad_address_for_the_link_is_said_beside_the_field(door: Client, cast: Cast):
    response = door.post("/login/forgotten/", {"email": "maria at home"})
    assert response.status_code == 422
    assert message_beside(response, "email")


def invitation_of(user: User) -> str:
    with scoping.realm_transaction(user.realm_id, "test"):
        return f"/invitation/{invitations.token(User.objects.get(pk=user.pk))}/"


def test_an_invitation_sets_the_password_and_goes_straight_in(door: Client, maria: User):
    path = invitation_of(maria)
    assert "Maria" in words(door.get(path))
    assert door.post(path, {"password": "quite a new password"})["Location"] == "/my/"
    assert door.get("/my/").status_code == 200
    door.post("/logout/")
    assert sign_in(door, maria.email, "quite a new password").status_code == 302


def test_an_invitation_works_once(door: Client, maria: User):
    path = invitation_of(maria)
    door.post(path, {"password": "quite a new password"})
    door.post("/logout/")
    again = door.get(path)
    assert again.status_code == 410
    assert "Get a new link" in words(again)
    assert door.post(path, {"password": "another new password"}).status_code == 410


def test_a_forged_invitation_and_one_of_another_realm_are_refused(cast: Cast, maria: User):
    path = invitation_of(maria)
    charlie = Visitor(cast.beta.pk, "beta.localhost")
    assert charlie.get(path).status_code == 410
    assert Visitor(cast.alpha.pk).get(path[:-4] + "abc/").status_code == 410


@pytest.mark.parametrize("password", ["", "short", "password1234"])
def test_a_weak_password_is_refused_beside_the_field(door: Client, maria: User, password: str):
    path = invitation_of(maria)
    response = door.post(path, {"password": password})
    assert response.status_code == 422
    assert message_beside(response, "password")
    assert door.get(path).status_code == 200
