"""Signing in by stages: a password alone does not let in whoever has, or must have, a second factor."""

from __future__ import annotations

import datetime as dt
import json
import re

import pyotp
import pytest
from django.test import Client

from boss.core import clock, relay, scoping
from boss.core.models import AuditEntry
from boss.notify.models import Message
from boss.tenancy import selectors
from boss.tenancy.models import Passkey, RecoveryCode, Session, SignInFailure, Totp, User
from boss.tenancy.services import api_keys, factors
from tests.cast import PASSWORD, Cast, actor_of
from tests.portals.visiting import Visitor, message_beside, text, words
from tests.tenancy.authenticator import PRESENT, Authenticator


def sign_in(door: Client, user: User, **more: str):
    return door.post("/login/", {"email": user.email, "password": PASSWORD} | more)


def inside(user: User):
    return scoping.realm_transaction(user.realm_id, "test")


def with_app(user: User) -> tuple[pyotp.TOTP, list[str]]:
    """The person has an app, set up an hour ago; with its recovery codes."""
    actor = actor_of(user)
    with inside(user), clock.moved(dt.timedelta(hours=-1)):
        app = pyotp.TOTP(factors.begin_totp(actor=actor, user=user).secret)
        return app, factors.confirm_totp(actor=actor, user=user, code=code_of(app))


def code_of(app: pyotp.TOTP, seconds: int = 0) -> str:
    return app.at(clock.now() + dt.timedelta(seconds=seconds))


def is_in(door: Client, path: str = "/my/") -> bool:
    return door.get(path).status_code == 200


def demand(cast: Cast, *roles: str) -> None:
    """The realm demands a second factor of these roles."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        realm = selectors.get_realm(cast.alpha.pk)
        realm.settings = realm.settings | {"sign_in": {"second_factor_roles": list(roles)}}
        realm.save()
    selectors.forget_cached()


# The app


def test_with_an_app_the_password_alone_opens_nothing_and_the_code_leads_where_one_wanted_to_go(door, maria):
    app, _codes = with_app(maria)
    stage = sign_in(door, maria, next="/my/tickets/")
    assert stage["Location"] == "/login/second/?next=%2Fmy%2Ftickets%2F"
    assert not is_in(door) and door.get("/account/").status_code == 302
    assert door.get("/api/v1/ticketing/tickets/").status_code == 401
    assert 'name="next" value="/my/tickets/"' in text(door.get(stage["Location"]))
    entered = door.post("/login/second/", {"code": code_of(app), "next": "/my/tickets/"})
    assert entered["Location"] == "/my/tickets/" and is_in(door)


def test_a_code_is_good_once_and_half_a_minute_of_drift_is_borne(door, maria):
    app, _codes = with_app(maria)
    sign_in(door, maria)
    late = code_of(app, -30)
    assert door.post("/login/second/", {"code": f"{late[:3]} {late[3:]}"}).status_code == 302
    door.post("/logout/")
    sign_in(door, maria)
    for stale in (late, code_of(app, -60), code_of(app, 90)):
        again = door.post("/login/second/", {"code": stale})
        assert again.status_code == 422 and "not right or was used already" in message_beside(again, "code")
    assert not is_in(door)
    assert door.post("/login/second/", {"code": code_of(app)}).status_code == 302


def test_a_recovery_code_lets_in_once_however_it_is_typed(door, maria):
    _app, codes = with_app(maria)
    assert len(set(codes)) == 10
    with inside(maria):
        kept = str(list(RecoveryCode.objects.values()))
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)
    sign_in(door, maria)
    entered = door.post("/login/second/", {"code": codes[3].replace("-", " ").upper()}, follow=True)
    assert "9 are left" in words(entered)
    door.post("/logout/")
    sign_in(door, maria)
    assert door.post("/login/second/", {"code": codes[3]}).status_code == 422
    assert not is_in(door)


def test_the_first_half_of_a_sign_in_is_worth_nothing_after_a_while_or_with_another_password(door, maria):
    app, _codes = with_app(maria)
    sign_in(door, maria)
    with clock.moved(dt.timedelta(minutes=16)):
        assert door.post("/login/second/", {"code": code_of(app)})["Location"] == "/login/"
    sign_in(door, maria)
    with inside(maria):
        person = User.objects.get(pk=maria.pk)
        person.set_password("another password altogether")
        person.save()
    assert door.post("/login/second/", {"code": code_of(app)})["Location"] == "/login/"
    assert not is_in(door)


def test_guessing_codes_is_stopped_told_by_mail_once_and_does_not_stop_the_owners_browser(door, cast, maria):
    app, _codes = with_app(maria)
    own = Visitor(cast.alpha.pk).client
    sign_in(own, maria)
    own.post("/login/second/", {"code": code_of(app)})
    own.post("/logout/")
    sign_in(door, maria)
    for _guess in range(5):
        assert door.post("/login/second/", {"code": "000000"}).status_code == 422
    stopped = door.post("/login/second/", {"code": code_of(app, 30)})
    assert stopped.status_code == 429 and "Too many attempts" in words(stopped)
    relay.deliver_due(cast.alpha.pk)
    with inside(maria):
        assert Message.objects.filter(template="sign_in_paused").count() == 1
    sign_in(own, maria)
    assert own.post("/login/second/", {"code": code_of(app, 30)}).status_code == 302


def set_up(door: Client, path: str = "/account/app/") -> tuple[pyotp.TOTP, Client]:
    page = text(door.get(path))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    assert secret and "<svg" in page and "<script>" not in page
    return pyotp.TOTP(secret[1].replace(" ", "")), page


def test_setting_an_app_up_shows_the_recovery_codes_once_and_is_told_and_written_down(door, cast, maria):
    sign_in(door, maria)
    app, _page = set_up(door)
    assert set_up(door)[0].secret == app.secret  # a reloaded page does not change the secret that was scanned
    assert door.post("/account/app/", {"code": "000000"}).status_code == 422
    with inside(maria):
        assert app.secret not in str(list(Totp.objects.values())) and not factors.has_second(maria)
    assert door.post("/account/app/", {"code": code_of(app)})["Location"] == "/account/codes/"
    assert len(re.findall(r"<li><code>[0-9a-z]{4}(?:-[0-9a-z]{4}){3}</code>", text(door.get("/account/codes/")))) == 10
    assert door.get("/account/codes/").status_code == 302
    assert is_in(door)
    relay.deliver_due(cast.alpha.pk)
    with inside(maria):
        assert AuditEntry.objects.filter(action="sign_in.totp_added").count() == 1
        assert Message.objects.filter(template="sign_in_changed").count() == 1
    door.post("/logout/")
    assert sign_in(door, maria)["Location"] == "/login/second/"


def test_taking_the_app_away_wants_a_fresh_proof(door, cast, maria):
    app, _codes = with_app(maria)
    sign_in(door, maria)
    door.post("/login/second/", {"code": code_of(app)})
    with clock.moved(dt.timedelta(minutes=11)):
        asked = door.post("/account/app/remove/", headers={"referer": "http://alpha.localhost/my/sign-in/"})
        assert asked["Location"] == "/login/again/?next=%2Faccount%2Fgo-on%2F"
        with inside(maria):
            assert Totp.objects.count() == 1
        assert door.post("/login/again/", {"code": "000000"}).status_code == 422
        proven = door.post("/login/again/?next=/account/go-on/", {"code": code_of(app)})
        assert proven["Location"] == "/account/go-on/"
        waiting = text(door.get("/account/go-on/"))
        assert 'action="/account/app/remove/"' in waiting and 'href="/my/sign-in/"' in waiting
        assert door.post("/account/app/remove/").status_code == 302
    with inside(maria):
        assert not Totp.objects.exists() and not RecoveryCode.objects.exists()
        assert AuditEntry.objects.filter(action="sign_in.totp_removed").exists()


def test_new_recovery_codes_end_the_old_ones(door, maria):
    app, codes = with_app(maria)
    sign_in(door, maria)
    door.post("/login/second/", {"code": code_of(app)})
    fresh = re.findall(r"<code>([^<]+)</code>", text(door.post("/account/codes/renew/", follow=True)))
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    with inside(maria):
        assert factors.check_code(maria, codes[0]) == "" and factors.check_code(maria, fresh[0]) == "recovery"


# Roles that must have a second factor


def test_who_must_have_a_second_factor_is_led_to_set_one_up_before_anything_else(door, cast):
    demand(cast, "csr")
    assert sign_in(door, cast.bob)["Location"] == "/console/"
    for path in ("/console/", "/console/tickets/", "/console/sign-in/", "/my/", "/account/", "/account/email/"):
        assert door.get(path)["Location"].startswith("/account/second-factor/?next="), path
    for path in ("/api/v1/ticketing/tickets/", "/api/v1/me/"):
        refused = door.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "tenancy.second_factor_needed"), path
    opened = door.post("/api/v1/tenancy/sites/", {"street": "1 A St", "city": "B"}, content_type="application/json")
    assert opened.status_code == 403
    assert door.get("/console/tickets/", headers={"hx-request": "true"})["HX-Redirect"].startswith("/account/")
    assert "Nothing else opens" in words(door.get("/console/", follow=True))

    app, _page = set_up(door, "/account/app/?next=/console/tickets/")
    set_up_now = door.post("/account/app/", {"code": code_of(app), "next": "/console/tickets/"})
    assert set_up_now["Location"] == "/account/codes/?next=/console/tickets/"
    assert 'href="/console/tickets/"' in text(door.get(set_up_now["Location"]))
    assert is_in(door, "/console/tickets/") and is_in(door, "/api/v1/ticketing/tickets/")


def test_a_session_from_before_the_demand_proves_the_factor_there_is(browser_of, cast):
    app, _codes = with_app(cast.bob)
    bob = browser_of(cast.bob)
    assert is_in(bob, "/console/")
    demand(cast, "csr")
    assert bob.get("/console/")["Location"] == "/login/again/?next=%2Fconsole%2F"
    assert bob.post("/login/again/", {"code": code_of(app), "next": "/console/"})["Location"] == "/console/"
    assert is_in(bob, "/console/")


def test_the_demand_concerns_neither_other_roles_nor_customers_nor_programs(browser_of, cast, maria, alice):
    demand(cast, "csr", "subscriber")
    assert is_in(browser_of(cast.alice), "/console/") and is_in(browser_of(maria))
    with inside(cast.alice):
        _key, plain = api_keys.create(actor=alice, name="Shop")
    program = Client(headers={"host": "alpha.localhost", "authorization": f"Bearer {plain}"})
    assert is_in(program, "/api/v1/me/")


# Passkeys


def ask(door: Client, path: str):
    return json.loads(door.post(path).content)


def make_passkey(door: Client, key: Authenticator, name: str = "My phone"):
    answer = key.create(ask(door, "/account/passkeys/options/"))
    return door.post("/account/passkeys/", {"name": name, "answer": json.dumps(answer)})


def use_passkey(door: Client, key: Authenticator, **more: str):
    options = ask(door, "/login/passkey/options/")
    return door.post("/login/passkey/", {"answer": json.dumps(key.get(options))} | more)


@pytest.fixture
def key(door, maria) -> Authenticator:
    """Maria's passkey; she has signed out again."""
    sign_in(door, maria)
    key = Authenticator()
    assert make_passkey(door, key).json() == {"next": "/account/codes/"}
    door.post("/logout/")
    return key


def test_a_passkey_signs_in_without_an_address_and_is_both_factors(door, maria, key):
    assert use_passkey(door, key, next="/my/tickets/").json() == {"next": "/my/tickets/"}
    assert is_in(door)
    with inside(maria):
        row = Passkey.objects.get()
        assert (row.name, row.rp_id, row.user_id) == ("My phone", "alpha.localhost", maria.pk) and row.last_used_at
    door.post("/logout/")
    assert sign_in(door, maria)["Location"] == "/login/second/"
    assert use_passkey(door, key).json() == {"next": "/my/"} and is_in(door)


def test_an_answer_is_good_for_one_challenge_one_origin_and_a_verified_person(door, maria, key):
    options = ask(door, "/login/passkey/options/")
    answer = json.dumps(key.get(options))
    ask(door, "/login/passkey/options/")  # another challenge
    assert door.post("/login/passkey/", {"answer": answer}).status_code == 422
    assert door.post("/login/passkey/", {"answer": answer}).status_code == 422
    unverified = key.get(ask(door, "/login/passkey/options/"), flags=PRESENT)
    assert door.post("/login/passkey/", {"answer": json.dumps(unverified)}).status_code == 422
    key.origin = "https://alpha.localhost.evil.example"
    assert use_passkey(door, key).status_code == 422
    assert door.post("/login/passkey/", {"answer": "[1]"}).status_code == 422
    assert not is_in(door)


def test_strangers_passkeys_that_fail_stop_nobody_elses(door, cast, maria, key):
    with inside(maria):
        SignInFailure.objects.bulk_create(
            SignInFailure(purpose="factor", account_norm="", address="203.0.113.9", network="203.0.113.0/24")
            for _each in range(40)
        )
    assert use_passkey(door, key).status_code == 200 and is_in(door)


def test_a_copied_passkey_is_refused_and_written_down(door, maria, key):
    key.count = 7
    assert use_passkey(door, key).status_code == 200
    door.post("/logout/")
    key.count = 7
    assert use_passkey(door, key).status_code == 422
    assert not is_in(door)
    with inside(maria):
        assert AuditEntry.objects.filter(action="sign_in.passkey_copied").count() == 1


def test_marias_passkey_is_no_second_step_for_bob_and_opens_nothing_at_charlies(door, cast, maria, key):
    with_app(cast.bob)
    sign_in(door, cast.bob)
    assert use_passkey(door, key).status_code == 422
    beta = Visitor(cast.beta.pk, "beta.localhost").client
    key.origin = "https://beta.localhost"
    assert use_passkey(beta, key).status_code == 422
    assert not is_in(door) and not is_in(door, "/console/") and not is_in(beta)


def test_passkeys_have_names_and_are_removed_by_their_owner_alone(door, cast, maria, key, browser_of):
    use_passkey(door, key)
    second = Authenticator()
    assert make_passkey(door, second, " ").status_code == 422
    assert make_passkey(door, second, "My laptop").json() == {"next": "/account/"}
    assert make_passkey(door, second, "Again").status_code == 422
    with inside(maria):
        phone = Passkey.objects.get(name="My phone")
    door.post(f"/account/passkeys/{phone.public_id}/rename/", {"name": "Old phone"})
    page = words(door.get("/my/sign-in/"))
    assert "Old phone" in page and "My laptop" in page and "10 are left" in page
    bob = browser_of(cast.bob)
    sign_in(bob, cast.bob)
    assert bob.post(f"/account/passkeys/{phone.public_id}/remove/").status_code == 404
    door.post(f"/account/passkeys/{phone.public_id}/remove/")
    door.post("/logout/")
    assert use_passkey(door, key).status_code == 422 and not is_in(door)
    assert use_passkey(door, second).status_code == 200 and is_in(door)


def test_a_passkey_made_before_the_realm_moved_works_at_its_old_address(door, cast, maria, key):
    with inside(maria):
        realm = selectors.get_realm(cast.alpha.pk)
        realm.canonical_host = "my.alpha.example"
        realm.save()
    selectors.forget_cached()
    assert use_passkey(door, key).status_code == 200 and is_in(door)
    assert "Passkeys are made at my.alpha.example" in words(door.get("/account/second-factor/"))
    assert door.post("/account/passkeys/options/").status_code == 422


# The way back in


def test_a_reset_ends_all_sessions_and_does_not_skip_the_second_step(door, cast, maria, browser_of):
    from tests.portals.test_doors import invitation_of

    app, _codes = with_app(maria)
    elsewhere = browser_of(maria)
    assert is_in(elsewhere)
    answer = door.post(invitation_of(maria), {"password": "quite a new password"})
    assert answer["Location"] == "/login/second/"
    assert not is_in(elsewhere) and not is_in(door)
    with inside(maria):
        assert not Session.objects.filter(user=maria).exists()
    assert door.post("/login/second/", {"code": code_of(app)})["Location"] == "/my/"


def test_an_administrator_takes_lost_factors_away_and_the_person_hears_of_it(door, cast, maria, alice, bob):
    from boss.core.permissions import PermissionDenied

    with_app(maria)
    with inside(maria):
        with pytest.raises(PermissionDenied):
            factors.reset(actor=bob, user=maria)
        assert factors.has_second(maria)
        factors.reset(actor=alice, user=maria)
    assert sign_in(door, maria)["Location"] == "/my/"
    relay.deliver_due(cast.alpha.pk)
    with inside(maria):
        assert Message.objects.filter(template="sign_in_changed").count() == 2  # set up, and taken away
        assert SignInFailure.objects.count() == 0
