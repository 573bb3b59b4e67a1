"""Second steps in a real browser: an app's code, and a passkey of Chromium's own authenticator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyotp
import pytest

from boss.core import clock, scoping
from boss.tenancy import selectors
from boss.tenancy.models import Passkey, Totp
from tests.browser.portal_look import Look
from tests.browser.test_selfhelp import sign_in
from tests.cast import Cast
from tests.tenancy.openid_provider import CLIENT_ID, SECRET, open_provider

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def home(cast: Cast, live_url: str) -> str:
    """Alpha's address; CSRs must have a second factor there."""
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        realm = selectors.get_realm(cast.alpha.pk)
        realm.settings = realm.settings | {"sign_in": {"second_factor_roles": ["csr"]}}
        realm.save()
    return live_url.replace("localhost", "alpha.localhost")


def put_in_an_authenticator(page: Page) -> None:
    """A device with a finger print reader whose owner is there and willing."""
    chromium = page.context.new_cdp_session(page)
    chromium.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    chromium.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def log_out(page: Page) -> None:
    page.get_by_label("Your menu").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_a_csr_sets_up_an_app_because_she_must_and_signs_in_with_its_code(home: str, cast: Cast, page: Page):
    look = Look(page, "second-step-app")
    sign_in(page, home, cast.bob.email)
    page.get_by_text("Nothing else opens").wait_for()
    look.at("must")
    page.get_by_role("link", name="Set up an app").click()
    page.get_by_role("img", name="QR code").wait_for()
    look.at("qr")
    page.get_by_text("I cannot scan it").click()
    app = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.get_by_label("Code shown by the app").fill("000000")
    page.get_by_role("button", name="Switch it on").click()
    page.locator("#id_code_error").wait_for()
    page.get_by_label("Code shown by the app").fill(app.at(clock.now()))
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    code = page.locator(".codes code").first.inner_text()
    look.at("codes")
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/console/")

    page.get_by_label("Your menu").click()
    page.get_by_role("link", name="Your sign-in").click()
    page.get_by_role("heading", name="Where you are signed in").wait_for()
    assert page.get_by_text("10 are left").count() == 1
    look.at("own-sign-in")
    look.desktop()
    log_out(page)

    sign_in(page, home, cast.bob.email)
    page.get_by_role("heading", name="Second step").wait_for()
    look.at("second-step")
    page.get_by_label("Code", exact=True).fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("9 are left").wait_for()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert Totp.objects.get().user_id == cast.bob.pk


def test_a_passkey_is_made_and_then_signs_in_without_typing_anything(home: str, cast: Cast, page: Page):
    look = Look(page, "passkey")
    put_in_an_authenticator(page)
    sign_in(page, home, cast.bob.email)
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_text("Give it a name first").wait_for()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Make a passkey").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/console/")
    page.goto(f"{home}/console/sign-in/")
    page.get_by_role("button", name="Remove My laptop").wait_for()
    look.at("own-sign-in")
    look.desktop()
    log_out(page)

    page.goto(f"{home}/console/tickets/")
    look.at("sign-in")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/console/tickets/")
    look.desktop()
    log_out(page)

    sign_in(page, home, cast.bob.email)
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url(re.compile("/console/$"))
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        row = Passkey.objects.get()
        assert (row.rp_id, row.user_id) == ("alpha.localhost", cast.bob.pk) and row.sign_count >= 2


def test_a_browser_without_passkeys_says_so(home: str, cast: Cast, page: Page):
    page.add_init_script("delete window.PublicKeyCredential")
    page.goto(f"{home}/login/")
    page.get_by_text("Passkeys do not work in this browser").wait_for()
    assert page.get_by_role("button", name="Use a passkey").count() == 0


def test_alice_sets_single_sign_on_up_and_bob_comes_in_through_it(cast: Cast, live_url: str, page: Page):
    home = live_url.replace("localhost", "alpha.localhost")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        realm = selectors.get_realm(cast.alpha.pk)
        realm.canonical_host, realm.settings = home.removeprefix("http://"), realm.settings | {"scheme": "http"}
        realm.save()
    look = Look(page, "single-sign-on")
    with open_provider() as corp:
        corp.people["u-1"] = {"email": cast.bob.email, "email_verified": True, "name": "Bob Baker"}
        sign_in(page, home, cast.alice.email)
        page.wait_for_url("**/console/")
        page.goto(f"{home}/console/sign-in/")
        page.get_by_role("link", name="Single sign-on").click()
        page.get_by_text("No provider yet").wait_for()
        look.at("none")
        page.get_by_role("link", name="New provider").click()
        page.get_by_label("Name", exact=True).fill("Corp")
        page.get_by_label("Issuer").fill(f"{corp.issuer}/nothing")
        page.get_by_label("Client ID").fill(CLIENT_ID)
        page.get_by_label("Client secret").fill(SECRET)
        page.get_by_role("button", name="Set it up").click()
        page.locator("#id_issuer_error").wait_for()
        look.at("wrong")
        page.get_by_label("Issuer").fill(corp.issuer)
        page.get_by_label("Client secret").fill(SECRET)
        page.get_by_label("The first time, know people").check()
        page.get_by_role("button", name="Set it up").click()
        page.get_by_text("0 people are connected").wait_for()
        corp.redirect_uri = page.locator("code").first.inner_text()
        look.at("set-up")
        look.desktop()
        log_out(page)

        page.goto(f"{home}/console/tickets/")
        look.at("sign-in")
        page.get_by_role("link", name="Staff: sign in with Corp").click()
        page.get_by_label("Who are you?").fill("u-1")
        page.get_by_role("button", name="Sign in at Corp").click()
        page.wait_for_url("**/console/tickets/")
        page.goto(f"{home}/console/sign-in/")
        page.get_by_role("button", name="Disconnect Corp").wait_for()
        look.at("connected")
        page.get_by_role("button", name="Disconnect Corp").click()
        page.get_by_role("link", name="Connect Corp").click()
        page.get_by_label("Who are you?").fill("u-1")
        page.get_by_role("button", name="Sign in at Corp").click()
        page.get_by_role("heading", name="Connect this account?").wait_for()
        look.at("confirm")
        page.get_by_role("button", name="Yes, it is mine").click()
        page.get_by_role("button", name="Disconnect Corp").wait_for()
