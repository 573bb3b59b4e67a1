"""Sessions end by themselves or by their owner; guessing is slowed without locking owners out; addresses are proven."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.test.utils import override_settings

from boss.core import clock, relay, scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from boss.notify.models import Message
from boss.notify.services import messages
from boss.tenancy import selectors, sign_in_rules
from boss.tenancy.models import Session, SignInFailure, User
from boss.tenancy.passwords import OwnWordsValidator
from boss.tenancy.services import roles, sign_in_policy, sites, users
from tests.cast import PASSWORD, Cast
from tests.portals.test_second_step import demand, inside, is_in, sign_in
from tests.portals.visiting import Visitor, message_beside, text, words

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def browser(cast: Cast, agent: str = FIREFOX, address: str = "127.0.0.1") -> Client:
    return Client(headers={"host": "alpha.localhost", "user-agent": agent}, REMOTE_ADDR=address)


def later(**span: float):
    return clock.moved(dt.timedelta(**span))


def known_sessions(user: User) -> list[Session]:
    with inside(user):
        return list(Session.objects.filter(user=user))


# Sessions


def test_one_sees_where_one_is_signed_in_and_ends_one_or_all_others(cast, maria):
    desk, phone, third = browser(cast), browser(cast, PHONE, "198.51.100.7"), browser(cast, "")
    for each in (desk, phone, third):
        sign_in(each, maria)
    page = words(desk.get("/my/sign-in/"))
    assert "Firefox on Linux" in page and "Safari on iPhone" in page and "198.51.100.7" in page
    assert page.count("This one") == 1
    by_agent = {row.agent: row.public_id for row in known_sessions(maria)}
    assert not any(row.session_key in text(desk.get("/my/sign-in/")) for row in known_sessions(maria))
    desk.post(f"/account/sessions/{by_agent[PHONE]}/end/")
    assert not is_in(phone) and is_in(desk) and is_in(third)
    desk.post("/account/sessions/end-others/")
    assert not is_in(third) and is_in(desk)
    with inside(maria):
        assert AuditEntry.objects.filter(action="session.ended").count() == 1


def test_nobody_ends_or_sees_somebody_elses_session(cast, maria, browser_of):
    mine = browser(cast)
    sign_in(mine, maria)
    (session,) = known_sessions(maria)
    bob = browser_of(cast.bob)
    assert bob.post(f"/account/sessions/{session.public_id}/end/").status_code == 404
    assert bob.delete(f"/api/v1/me/sessions/{session.public_id}/").status_code == 404
    assert len(bob.get("/api/v1/me/sessions/").json()) == 1
    assert is_in(mine)


def test_the_api_tells_and_ends_ones_own_sessions_and_tells_the_factors(cast, maria):
    desk, phone = browser(cast), browser(cast, PHONE)
    sign_in(desk, maria)
    sign_in(phone, maria)
    listed = desk.get("/api/v1/me/sessions/").json()
    assert [row["is_this"] for row in listed] == [True, False] and listed[1]["device"] == "Safari on iPhone"
    assert desk.delete(f"/api/v1/me/sessions/{listed[1]['public_id']}/").status_code == 204
    assert not is_in(phone)
    sign_in(phone, maria)
    assert desk.delete("/api/v1/me/sessions/").status_code == 204
    assert not is_in(phone) and is_in(desk)
    assert desk.get("/api/v1/me/factors/").json() == {
        "has_password": True, "has_app": False, "passkeys": [], "recovery_codes_left": 0,
        "second_factor_demanded": False,
    }  # fmt: skip


@pytest.fixture
def olga(cast) -> User:
    """Speaks for an organization."""
    with inside(cast.alice):
        system = Actor.system(cast.alpha.pk)
        pinecrest = sites.create_organization(actor=system, name="Pinecrest", kind="property_owner")
        olga = users.create(actor=system, email="olga@pinecrest.example", full_name="Olga Oak", kind="contact",
                            password=PASSWORD, organization=pinecrest)  # fmt: skip
        roles.grant(actor=system, user=olga, role_key="property_owner", organization=pinecrest)
    return olga


def test_contacts_of_organizations_stay_signed_in_like_customers(cast, olga):
    door = browser(cast)
    sign_in(door, olga)
    with clock.moved(dt.timedelta(days=13)):
        assert is_in(door, "/owner/")
    with clock.moved(dt.timedelta(days=28)):
        assert not is_in(door, "/owner/")
    customers = sign_in_rules.lasting(cast.alpha.pk, "subscriber")
    assert sign_in_rules.lasting(cast.alpha.pk, "contact") == customers
    assert sign_in_rules.lasting(cast.alpha.pk, "robot") == sign_in_rules.lasting(cast.alpha.pk, "staff")


def test_a_realm_says_what_holds_for_contacts_else_what_holds_for_customers(cast, alice, olga):
    def limits(**minutes) -> list[int]:
        with inside(cast.alice):
            sign_in_policy.change(actor=alice, second_factor_roles=[], minutes=minutes)
            lasting = sign_in_rules.lasting(cast.alpha.pk, "contact")
        return [int(each.total_seconds() // 60) for each in (lasting.idle, lasting.absolute)]

    assert limits(subscriber={"idle": 60, "absolute": 600}) == [60, 600]
    assert limits(subscriber={"idle": 60, "absolute": 600}, contact={"idle": 90}) == [90, 600]
    door = browser(cast)
    sign_in(door, olga)
    with later(minutes=91):
        assert not is_in(door, "/owner/")
    with inside(cast.alice), pytest.raises(InvalidInput) as refused:
        sign_in_policy.change(actor=alice, second_factor_roles=[], minutes={"contact": {"idle": 99_999}})
    assert "contact_idle" in refused.value.fields
    assert limits(contact={"idle": 90})[0] == 90


@pytest.mark.parametrize(
    ("kind", "idle", "absolute"),
    [
        ("staff", dt.timedelta(minutes=30), dt.timedelta(hours=12)),
        ("subscriber", dt.timedelta(days=14), dt.timedelta(days=90)),
    ],
)
def test_a_session_ends_without_visits_and_at_the_latest_after_its_time(cast, maria, kind, idle, absolute):
    person, home = (cast.bob, "/console/") if kind == "staff" else (maria, "/my/")
    door = browser(cast)
    sign_in(door, person)
    visit, minute = dt.timedelta(), dt.timedelta(minutes=1)
    while visit < absolute - idle:  # always just in time
        visit += idle - minute
        with clock.moved(visit):
            assert is_in(door, home), visit
    with clock.moved(absolute + minute):
        assert not is_in(door, home)
    sign_in(door, person)
    with clock.moved(idle + minute):
        assert not is_in(door, home)


def test_what_a_page_fetches_by_itself_is_no_visit(cast):
    door = browser(cast)
    sign_in(door, cast.bob)
    for minutes in (10, 20, 29):
        with later(minutes=minutes):
            assert door.get("/console/search/?q=a", headers={"hx-request": "true"}).status_code == 200
    with later(minutes=31):
        assert not is_in(door, "/console/")


def test_a_realm_may_be_stricter_and_not_laxer(cast):
    with inside(cast.alice):
        realm = selectors.get_realm(cast.alpha.pk)
        realm.settings = realm.settings | {"sign_in": {"minutes": {"staff": {"idle": 5, "absolute": 10_000}}}}
        realm.save()
    selectors.forget_cached()
    door = browser(cast)
    sign_in(door, cast.bob)
    with later(minutes=4):
        assert is_in(door, "/console/")
    with later(minutes=10):
        assert not is_in(door, "/console/")
    sign_in(door, cast.bob)
    (session,) = known_sessions(cast.bob)
    assert session.expire_date - clock.now() <= dt.timedelta(hours=12)


def test_another_password_ends_every_session_but_the_one_it_was_set_in(cast, maria):
    desk, phone = browser(cast), browser(cast, PHONE)
    sign_in(desk, maria)
    sign_in(phone, maria)
    assert desk.post("/account/password/", {"password": "maria-ortiz-alpha"}).status_code == 422
    assert is_in(phone)
    assert desk.post("/account/password/", {"password": "a pond with nine herons"})["Location"] == "/account/"
    assert is_in(desk) and not is_in(phone)
    assert len(known_sessions(maria)) == 1
    relay.deliver_due(cast.alpha.pk)
    with inside(maria):
        assert Message.objects.filter(template="sign_in_changed").count() == 1


def test_who_is_deactivated_is_out_at_once_and_other_rights_change_the_key(cast, maria, system, alice):
    door = browser(cast)
    sign_in(door, cast.bob)
    before = door.cookies["sessionid"].value
    with inside(cast.bob):
        roles.grant(actor=alice, user=User.objects.get(pk=cast.bob.pk), role_key="field_technician")
    assert is_in(door, "/console/") and door.cookies["sessionid"].value != before
    assert is_in(door, "/console/") and len(known_sessions(cast.bob)) == 1
    with inside(cast.bob):
        users.deactivate(actor=system, user=User.objects.get(pk=cast.bob.pk))
    assert not is_in(door, "/console/") and known_sessions(cast.bob) == []


@override_settings(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_NAME="__Host-boss")
def test_in_production_every_cookie_of_ours_is_for_this_host_and_tls_alone(cast, maria):
    answer = sign_in(browser(cast), maria)
    assert {"__Host-boss", "__Host-boss-device"} <= set(answer.cookies)
    for name in ("__Host-boss", "__Host-boss-device"):
        cookie = answer.cookies[name]
        assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] == "Lax"
        assert cookie["path"] == "/" and not cookie["domain"]


# Guessing


def guess(door: Client, user: User, times: int = 5) -> None:
    for _attempt in range(times):
        assert door.post("/login/", {"email": user.email, "password": "wrong wrong"}).status_code == 422


def test_a_browser_used_before_gets_in_while_strangers_at_its_address_must_wait(cast, maria):
    own, stranger = browser(cast), browser(cast)
    sign_in(own, maria)
    own.post("/logout/")
    guess(stranger, maria)
    assert sign_in(stranger, maria).status_code == 429
    assert sign_in(own, maria).status_code == 302
    own.post("/logout/")
    guess(own, maria, 10)
    assert sign_in(own, maria).status_code == 429  # but it cannot guess for ever


def test_a_device_cookie_is_worth_nothing_for_somebody_else_or_after_another_password(cast, maria):
    thief = browser(cast)
    sign_in(thief, cast.bob)
    thief.post("/logout/")
    guess(thief, maria)
    assert sign_in(thief, maria).status_code == 429
    own = browser(cast, address="198.51.100.7")
    sign_in(own, maria)
    own.post("/logout/")
    guess(browser(cast, address="198.51.100.7"), maria)
    with inside(maria):
        person = User.objects.get(pk=maria.pk)
        person.set_password(PASSWORD)
        person.save()
    assert sign_in(own, maria).status_code == 429


def failed(user: User, number: int, account: str, address: str, network: str) -> None:
    with inside(user):
        SignInFailure.objects.bulk_create(
            SignInFailure(account_norm=account.format(n=n), address=address, network=network) for n in range(number)
        )


def test_many_guessers_together_are_stopped_late_and_a_network_of_them_later(cast, maria):
    failed(maria, 50, maria.email, "203.0.113.9", "203.0.113.0/24")
    assert sign_in(browser(cast), maria).status_code == 429
    assert sign_in(browser(cast), cast.bob).status_code == 302
    failed(maria, 200, "somebody{n}@example.com", "198.51.100.9", "198.51.100.0/24")
    assert sign_in(browser(cast, address="198.51.100.77"), cast.alice).status_code == 429
    assert sign_in(browser(cast, address="198.51.101.77"), cast.alice).status_code == 302


def test_the_owner_hears_once_a_day_and_the_link_in_the_mail_opens(cast, maria, monkeypatch):
    for address in ("198.51.100.7", "198.51.100.8"):
        guess(browser(cast, address=address), maria)
    guess(browser(cast, address="198.51.100.9"), User(email="nobody@example.com"))
    relay.deliver_due(cast.alpha.pk)
    with inside(maria):
        message = Message.objects.get(template="sign_in_paused")
        plain, _html = messages.bodies_of(message)
    link = re.search(r"https://alpha\.localhost(/invitation/\S+)", plain)
    assert link
    stopped = browser(cast, address="198.51.100.7")
    assert sign_in(stopped, maria).status_code == 429
    assert stopped.post(link[1], {"password": "a pond with nine herons"})["Location"] == "/my/"
    assert is_in(stopped)


def test_links_are_not_asked_for_without_end_from_one_network(cast, maria):
    for n in range(30):
        assert browser(cast).post("/login/forgotten/", {"email": f"n{n}@example.com"}).status_code == 200
    refused = browser(cast).post("/login/forgotten/", {"email": maria.email})
    assert refused.status_code == 429
    with inside(maria):
        assert not Message.objects.filter(template="password_link").exists()


# Passwords and links


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("AlphaCable2026!!", False),
        ("alph4-c4ble-maria", False),
        ("Summer2026Password", False),
        ("maria.ortiz.1988", False),
        ("aaaaaaaaaaaaaa", False),
        ("alpha herons on a pond", True),
        ("correct horse battery", True),
        ("x" * 20 + " and 44 more of it " + "y" * 44, True),
        ("8302 5517 9926 40", True),
    ],
)
def test_a_password_of_the_providers_or_ones_own_words_is_refused(alpha, password, good):
    person = User(full_name="Maria Ortiz", email="maria@example.com")
    if good:
        OwnWordsValidator().validate(password, person)
        return
    with pytest.raises(ValidationError):
        OwnWordsValidator().validate(password, person)


@pytest.mark.parametrize(
    ("has_password", "works_for"), [(True, dt.timedelta(minutes=30)), (False, dt.timedelta(days=7))]
)
def test_a_reset_is_for_half_an_hour_and_an_invitation_for_a_week(cast, maria, has_password, works_for):
    from tests.portals.test_doors import invitation_of

    if not has_password:
        with inside(maria):
            person = User.objects.get(pk=maria.pk)
            person.set_unusable_password()
            person.save()
    path = invitation_of(maria)
    with clock.moved(works_for - dt.timedelta(seconds=5)):
        assert browser(cast).get(path).status_code == 200
    with clock.moved(works_for + dt.timedelta(seconds=5)):
        assert browser(cast).get(path).status_code == 410


def mailed_link(user: User) -> tuple[str, str]:
    with inside(user):
        message = Message.objects.filter(template="email_change").latest("pk")
        plain, _html = messages.bodies_of(message)
        found = re.search(r"/login/email/\S+", plain)
        return (found[0] if found else ""), message.deliveries.get().address


def test_an_address_changes_when_the_link_sent_to_the_new_one_is_opened(cast, maria):
    door = browser(cast)
    sign_in(door, maria)
    assert message_beside(door.post("/account/email/", {"email": "at home"}), "email")
    assert "Look into your mail" in words(door.post("/account/email/", {"email": "maria@new.example"}))
    link, to = mailed_link(maria)
    assert to == "maria@new.example"
    assert "maria@new.example" in words(door.get(link))
    with inside(maria):
        assert User.objects.get(pk=maria.pk).email == "maria@example.com"  # looking changes nothing
    assert door.post(link)["Location"] == "/account/"
    assert browser(cast).post(link).status_code == 410  # once
    with inside(maria):
        assert User.objects.get(pk=maria.pk).email_norm == "maria@new.example"
        relay.deliver_due(cast.alpha.pk)
        told = Message.objects.get(template="sign_in_changed")
        assert {each.address for each in told.deliveries.all()} == {"maria@example.com", "maria@new.example"}


def test_an_address_that_signs_somebody_in_is_told_by_mail_alone(cast, maria):
    door = browser(cast)
    sign_in(door, maria)
    fresh = door.post("/account/email/", {"email": "maria@new.example"})
    with later(minutes=2):
        taken = door.post("/account/email/", {"email": cast.bob.email})
        assert words(taken).replace(cast.bob.email, "") == words(fresh).replace("maria@new.example", "")
        assert mailed_link(maria) == ("", cast.bob.email)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert User.objects.get(pk=maria.pk).email == "maria@example.com"


def test_a_realm_that_demands_factors_says_so_on_ones_own_page(cast, maria):
    demand(cast, "csr")
    assert "Your role needs a second step" not in words(Visitor(cast.alpha.pk).get("/login/"))
    door = browser(cast)
    sign_in(door, cast.alice)
    page = words(door.get("/console/sign-in/"))
    assert "Where you are signed in" in page and "Your role needs" not in page


def test_an_administrator_sets_the_rules_with_a_fresh_proof_and_nobody_else_does(cast, alice, bob):
    from boss.core.permissions import PermissionDenied
    from boss.tenancy.services import sign_in_policy

    door = browser(cast)
    sign_in(door, cast.alice)
    wrong = door.post("/console/sign-in/rules/", {"second_factor_roles": ["csr"], "staff_idle": "45"})
    assert wrong.status_code == 422 and "between 1 and 30" in message_beside(wrong, "staff_idle")
    assert not selectors.get_realm(cast.alpha.pk).settings.get("sign_in")
    saved = door.post("/console/sign-in/rules/", {"second_factor_roles": ["csr"], "staff_idle": "10"})
    assert saved.status_code == 302
    colleague = browser(cast)
    sign_in(colleague, cast.bob)
    assert colleague.get("/console/")["Location"].startswith("/account/second-factor/")
    with inside(cast.bob):
        assert AuditEntry.objects.filter(action="realm.sign_in_rules_changed").count() == 1
        with pytest.raises(PermissionDenied):
            sign_in_policy.change(actor=bob, second_factor_roles=[], minutes={})
        assert selectors.get_realm(cast.alpha.pk).settings["sign_in"]["second_factor_roles"] == ["csr"]
    with later(minutes=9):
        assert is_in(door, "/console/")
    with later(minutes=12):
        asked = door.get("/console/sign-in/rules/")
        assert asked["Location"].startswith("/login/again/")
