"""Staff signs in through the provider's own sign-in (OpenID Connect), and nobody else comes in that way."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client
from joserfc.jwk import OctKey

from boss.core import clock, relay, scoping
from boss.core.models import AuditEntry
from boss.core.problems import InvalidInput
from boss.notify.models import Message
from boss.tenancy import selectors
from boss.tenancy.errors import HoldsMore
from boss.tenancy.models import SignInIdentity, SignInProvider, User
from boss.tenancy.services import roles, single_sign_on, users
from tests.cast import PASSWORD, actor_of, make_user
from tests.portals.visiting import words
from tests.tenancy.openid_provider import CLIENT_ID, OTHER_KEY, SECRET, Manners, open_provider

FLAGS = {"links_by_email": False, "counts_as_second": False, "only_way": False, "is_active": True}
BOB = "u-4711"


@pytest.fixture
def corp():
    with open_provider() as provider:
        provider.people[BOB] = {"email": "Bob@alpha.example", "email_verified": True, "name": "Bob Baker"}
        yield provider


@pytest.fixture
def given(corp):
    return {"name": "Corp", "issuer": corp.issuer, "client_id": CLIENT_ID, **FLAGS}


@pytest.fixture
def set_up(cast, corp, given):
    """The provider stands in alpha: ``set_up(links_by_email=True)``."""

    def stand(**flags: bool) -> SignInProvider:
        with scoping.realm_transaction(cast.alpha.pk, "test"):
            row = single_sign_on.add(actor=actor_of(cast.alice), given=given | flags, client_secret=SECRET)
        corp.redirect_uri = f"https://alpha.localhost/login/with/{row.public_id}/back/"
        return row

    return stand


@pytest.fixture
def door():
    return Client(headers={"host": "alpha.localhost"})


def come(door: Client, corp, row: SignInProvider, subject: str = BOB, **way: bool):
    """From our button to the provider and back: the answer to the browser that came back."""
    there = door.get(f"/login/with/{row.public_id}/", {"next": "/console/inbox/"})
    assert there.status_code == 302, there.content[:300]
    back = urlsplit(corp.visit(there["Location"], subject, **way))
    return door.get(back.path, dict(parse_qsl(back.query)))


def who_is_in(door: Client) -> str | None:
    with scoping.realm_transaction(1, "test"):
        user_id = door.session.get("_auth_user_id")
        return User.objects.get(pk=user_id).email_norm if user_id else None


def connected(cast) -> list[tuple[str, str]]:
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        return list(SignInIdentity.objects.values_list("user__email_norm", "subject"))


# The way in


def test_bob_is_known_by_his_verified_address_the_first_time_and_by_his_lasting_name_from_then_on(
    cast, corp, set_up, door
):
    row = set_up(links_by_email=True)
    assert f'href="/login/with/{row.public_id}/"' in door.get("/login/").content.decode()
    answer = come(door, corp, row)
    assert (answer.status_code, answer["Location"]) == (302, "/console/inbox/")
    assert who_is_in(door) == "bob@alpha.example" and connected(cast) == [("bob@alpha.example", BOB)]
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        entry = AuditEntry.objects.filter(action="sign_in.done").latest("pk")
        assert entry.after["how"] == "single sign-on"
    relay.deliver_due(cast.alpha.pk)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert "sign-in provider was connected" in Message.objects.latest("pk").text

    corp.people[BOB] = {"email": "robert@elsewhere.example", "email_verified": True}
    another = Client(headers={"host": "alpha.localhost"})
    come(another, corp, row)
    assert who_is_in(another) == "bob@alpha.example"


def test_an_address_that_has_passed_to_somebody_else_there_does_not_open_bobs_account(cast, corp, set_up, door):
    row = set_up(links_by_email=True)
    come(door, corp, row)
    corp.people["u-5000"] = corp.people[BOB]
    stranger = Client(headers={"host": "alpha.localhost"})
    answer = come(stranger, corp, row, "u-5000")
    assert answer["Location"] == "/login/" and who_is_in(stranger) is None
    assert "nobody here is connected" in words(stranger.get("/login/"))
    assert connected(cast) == [("bob@alpha.example", BOB)]


@pytest.mark.parametrize(
    ("flags", "claims"),
    [
        ({}, {}),
        ({"links_by_email": True}, {"email_verified": False}),
        ({"links_by_email": True}, {"email_verified": "true"}),
        ({"links_by_email": True}, {"email": "nobody@alpha.example"}),
        ({"links_by_email": True}, {"email": None}),
        ({"links_by_email": True}, {"email": ["bob@alpha.example"]}),
    ],
)
def test_nobody_is_taken_for_bob_on_a_word_that_nobody_vouches_for(cast, corp, set_up, door, flags, claims):
    row = set_up(**flags)
    corp.manners = Manners(claims=claims)
    answer = come(door, corp, row)
    assert answer["Location"] == "/login/" and who_is_in(door) is None and connected(cast) == []


def test_customers_and_people_who_left_do_not_come_in_by_it(cast, corp, set_up, door):
    row = set_up(links_by_email=True)
    make_user(cast.alpha, "maria@home.example", "Maria", "subscriber", kind="subscriber", own=True)
    corp.people["m"] = {"email": "maria@home.example", "email_verified": True}
    assert come(door, corp, row, "m")["Location"] == "/login/"
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        users.deactivate(actor=actor_of(cast.alice), user=User.objects.get(pk=cast.bob.pk))
    assert come(door, corp, row)["Location"] == "/login/"
    assert who_is_in(door) is None and connected(cast) == []


def test_charlies_realm_knows_nothing_of_alphas_provider(cast, corp, set_up):
    row = set_up(links_by_email=True)
    elsewhere = Client(headers={"host": "beta.localhost"})
    assert elsewhere.get(f"/login/with/{row.public_id}/").status_code == 404
    assert "Corp" not in words(elsewhere.get("/login/"))


# What comes back is believed only when all of it holds


@pytest.mark.parametrize(
    ("name", "manners"),
    [
        ("signed with another key", Manners(key=OTHER_KEY)),
        ("not signed", Manners(token=lambda token: ".".join([*token.split(".")[:2], ""]))),
        ("signed with the client's secret", Manners(key=OctKey.import_key(SECRET), algorithm="HS256")),
        ("for another client", Manners(claims={"aud": "somebody else"})),
        ("for two clients, and not ours to use", Manners(claims={"aud": [CLIENT_ID, "other"], "azp": "other"})),
        ("of another issuer", Manners(claims={"iss": "https://evil.example"})),
        ("too old", Manners(claims={"exp": 1_700_000_000, "iat": 1_699_999_000})),
        ("without an end", Manners(claims={"exp": None})),
        ("with another nonce", Manners(claims={"nonce": "another"})),
        ("without a nonce", Manners(claims={"nonce": None})),
        ("about nobody", Manners(claims={"sub": ""})),
        ("about a number", Manners(claims={"sub": 4711})),
        ("no token at all", Manners(token=lambda token: None)),
        ("garbage", Manners(token=lambda token: "a.b.c")),
    ],
)
def test_an_answer_that_does_not_hold_lets_nobody_in(cast, corp, set_up, door, name, manners):
    row = set_up(links_by_email=True)
    corp.manners = manners
    answer = come(door, corp, row)
    assert answer["Location"] == "/login/" and who_is_in(door) is None and connected(cast) == []
    assert "did not work" in words(door.get("/login/"))


@pytest.mark.parametrize(
    "change", [{"state": "x"}, {"iss": "https://evil.example"}, {"iss": ""}, {"code": "x"}, {"code": ""}]
)
def test_an_answer_with_a_forged_query_lets_nobody_in(corp, set_up, door, change):
    row = set_up(links_by_email=True)
    there = door.get(f"/login/with/{row.public_id}/")
    back = urlsplit(corp.visit(there["Location"], BOB))
    query = dict(parse_qsl(back.query)) | change
    assert door.get(back.path, query)["Location"] == "/login/" and who_is_in(door) is None


def test_an_answer_is_good_once_in_the_browser_that_asked_and_for_a_quarter_of_an_hour(corp, set_up, door):
    row = set_up(links_by_email=True)
    there = door.get(f"/login/with/{row.public_id}/")
    back = corp.visit(there["Location"], BOB)
    other = Client(headers={"host": "alpha.localhost"})
    assert other.get(back)["Location"] == "/login/" and who_is_in(other) is None
    with clock.moved(dt.timedelta(minutes=16)):
        assert door.get(back)["Location"] == "/login/" and who_is_in(door) is None
    assert door.get(back)["Location"] == "/login/" and who_is_in(door) is None


def test_whoever_says_no_there_is_told_so_and_two_tabs_do_not_disturb_each_other(corp, set_up, door):
    row = set_up(links_by_email=True)
    first = door.get(f"/login/with/{row.public_id}/")["Location"]
    assert come(door, corp, row, declines=True)["Location"] == "/login/"
    assert "You did not sign in at Corp" in words(door.get("/login/"))
    assert door.get(corp.visit(first, BOB)).status_code == 302 and who_is_in(door) == "bob@alpha.example"


def test_a_provider_that_is_down_or_slow_or_speaks_in_anothers_name_is_a_sentence_and_no_error(
    corp, set_up, door, monkeypatch
):
    row = set_up(links_by_email=True)
    monkeypatch.setattr("boss.tenancy.oidc.SECONDS", 0.4)
    for manners in (
        Manners(status=503),
        Manners(delay_seconds=1.0),
        Manners(description={"issuer": "https://other.example"}),
        Manners(description={"token_endpoint": None}),
        Manners(description={"jwks_uri": "file:///etc/passwd"}),
    ):
        corp.manners = manners
        answer = door.get(f"/login/with/{row.public_id}/")
        assert answer["Location"] == "/login/" and "did not work" in words(door.get("/login/"))
    corp.manners = Manners()
    corp.server.server_close()


def test_the_way_begins_on_the_canonical_host_where_it_also_ends(corp, set_up, cast):
    row = set_up()
    other = Client(headers={"host": "testserver"})
    answer = other.get(f"/login/with/{row.public_id}/", {"next": "/console/"})
    assert answer["Location"] == f"https://alpha.localhost/login/with/{row.public_id}/?next=%2Fconsole%2F"


def test_nobody_is_led_to_a_foreign_page_afterwards(corp, set_up, door):
    row = set_up(links_by_email=True)
    there = door.get(f"/login/with/{row.public_id}/", {"next": "https://evil.example/"})
    assert door.get(corp.visit(there["Location"], BOB))["Location"] == "/console/"


# The second step


def with_app(cast):
    import pyotp

    from boss.tenancy.services import factors

    with scoping.realm_transaction(cast.alpha.pk, "test"), clock.moved(dt.timedelta(hours=-1)):
        actor = actor_of(cast.bob)
        app = pyotp.TOTP(factors.begin_totp(actor=actor, user=cast.bob).secret)
        factors.confirm_totp(actor=actor, user=cast.bob, code=app.at(clock.now()))


@pytest.mark.parametrize(
    ("counts", "ways", "asked"),
    [(False, None, True), (True, None, False), (False, ["pwd", "otp"], False), (False, ["pwd"], True)],
)
def test_the_second_step_is_asked_here_unless_it_was_taken_there(cast, corp, set_up, door, counts, ways, asked):
    row = set_up(links_by_email=True, counts_as_second=counts)
    with_app(cast)
    corp.manners = Manners(claims={"amr": ways})
    answer = come(door, corp, row)
    assert answer["Location"] == ("/login/second/?next=%2Fconsole%2Finbox%2F" if asked else "/console/inbox/")
    assert (who_is_in(door) is None) == asked


# Connecting an account, and the only way in


def test_bob_connects_his_account_himself_after_he_has_seen_which_one(cast, corp, set_up, browser_of):
    row = set_up()
    bob = browser_of(cast.bob)
    bob.post("/login/", {"email": "bob@alpha.example", "password": PASSWORD})
    there = bob.get(f"/account/connections/{row.public_id}/add/")
    back = bob.get(corp.visit(there["Location"], BOB))
    assert back["Location"] == "/account/connections/confirm/" and connected(cast) == []
    assert "Bob@alpha.example" in words(bob.get("/account/connections/confirm/"))
    bob.post("/account/connections/confirm/")
    assert connected(cast) == [("bob@alpha.example", BOB)]
    assert "Corp" in words(bob.get("/console/sign-in/"))

    fresh = Client(headers={"host": "alpha.localhost"})
    assert come(fresh, corp, row)["Location"] == "/console/inbox/" and who_is_in(fresh) == "bob@alpha.example"
    bob.post(f"/account/connections/{row.public_id}/remove/")
    assert connected(cast) == []


def test_an_account_of_somebody_else_cannot_be_connected_twice(cast, corp, set_up, browser_of):
    row = set_up(links_by_email=True)
    come(Client(headers={"host": "alpha.localhost"}), corp, row)
    alice = Client(headers={"host": "alpha.localhost"})
    alice.post("/login/", {"email": "alice@alpha.example", "password": PASSWORD})
    there = alice.get(f"/account/connections/{row.public_id}/add/")
    alice.get(corp.visit(there["Location"], BOB))
    alice.post("/account/connections/confirm/")
    assert connected(cast) == [("bob@alpha.example", BOB)]
    assert "connected with somebody already" in words(alice.get("/console/sign-in/"))


def test_where_it_is_the_only_way_a_password_opens_nothing_to_whoever_is_connected_but_to_administrators(
    cast, corp, set_up, door
):
    row = set_up(links_by_email=True, only_way=True)
    sign_in = {"email": "bob@alpha.example", "password": PASSWORD}
    assert door.post("/login/", sign_in).status_code == 302, "nobody is locked out before he is connected"
    come(Client(headers={"host": "alpha.localhost"}), corp, row)
    fresh = Client(headers={"host": "alpha.localhost"})
    refused = fresh.post("/login/", sign_in)
    assert refused.status_code == 403 and "its own sign-in only" in words(refused) and who_is_in(fresh) is None

    corp.people["a-1"] = {"email": "alice@alpha.example", "email_verified": True}
    come(Client(headers={"host": "alpha.localhost"}), corp, row, "a-1")
    administrator = Client(headers={"host": "alpha.localhost"})
    administrator.post("/login/", {"email": "alice@alpha.example", "password": PASSWORD})
    assert who_is_in(administrator) == "alice@alpha.example"


def test_it_proves_again_who_it_is_only_when_the_provider_asked_anew(cast, corp, set_up, door):
    row = set_up(links_by_email=True)
    come(door, corp, row)
    with clock.moved(dt.timedelta(minutes=20)):
        there = door.get("/account/password/")
        assert there["Location"].startswith("/login/again/")
        to_corp = door.get(f"/login/with/{row.public_id}/", {"next": "/account/password/"})["Location"]
        assert "prompt=login" in to_corp and "max_age=0" in to_corp
        now = int(clock.now().timestamp())
        corp.manners = Manners(claims={"iat": now, "exp": now + 300, "auth_time": now - 3600})
        assert door.get(corp.visit(to_corp, BOB))["Location"] == "/login/again/"
        assert door.get("/account/password/").status_code == 302
        to_corp = door.get(f"/login/with/{row.public_id}/", {"next": "/account/password/"})["Location"]
        corp.manners = Manners(claims={"iat": now, "exp": now + 300, "auth_time": now})
        assert door.get(corp.visit(to_corp, BOB))["Location"] == "/account/password/"
        assert door.get("/account/password/").status_code == 200


# Setting it up


def test_alice_sets_a_provider_up_on_its_page_and_what_is_wrong_is_said_beside_the_field(cast, corp, given):
    alice = Client(headers={"host": "alpha.localhost"})
    alice.post("/login/", {"email": "alice@alpha.example", "password": PASSWORD})
    form = {"name": "Corp", "issuer": corp.issuer, "client_id": CLIENT_ID, "client_secret": SECRET, "is_active": "on"}
    wrong = alice.post(
        "/console/sign-in/providers/new/", form | {"issuer": f"{corp.issuer}/nothing", "client_secret": ""}
    )
    assert wrong.status_code == 422 and "Paste the secret" in words(wrong) and CLIENT_ID in wrong.content.decode()
    wrong = alice.post("/console/sign-in/providers/new/", form | {"issuer": f"{corp.issuer}/nothing"})
    assert wrong.status_code == 422 and "No OpenID provider answers there" in words(wrong)
    assert SECRET not in wrong.content.decode()
    done = alice.post("/console/sign-in/providers/new/", form)
    assert done.status_code == 302, words(done)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        row = SignInProvider.objects.get()
        assert SECRET not in row.client_secret_sealed and single_sign_on.secret_of(row) == SECRET
        assert SECRET not in str(list(AuditEntry.objects.values("before", "after")))
    page = alice.get(done["Location"])
    assert f"/login/with/{row.public_id}/back/" in words(page) and SECRET not in page.content.decode()
    alice.post(done["Location"], form | {"name": "Corporation", "client_secret": ""})
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        row.refresh_from_db()
        assert row.name == "Corporation" and single_sign_on.secret_of(row) == SECRET
    alice.post(f"/console/sign-in/providers/{row.public_id}/remove/")
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        assert not SignInProvider.objects.exists()
        told = AuditEntry.objects.filter(action__startswith="sign_in_provider.").order_by("pk")
        assert [entry.action.rpartition(".")[2] for entry in told] == ["added", "changed", "removed"]


def test_another_issuer_is_another_set_of_people_and_is_not_sent_the_present_secret(cast, corp, set_up, given, door):
    row = set_up(links_by_email=True)
    come(door, corp, row)
    with open_provider() as second, scoping.realm_transaction(cast.alpha.pk, "test"):
        moved = given | {"issuer": second.issuer}
        with pytest.raises(InvalidInput) as refused:
            single_sign_on.change(actor=actor_of(cast.alice), provider=row, given=moved, client_secret="")
        assert set(refused.value.fields) == {"client_secret"} and SignInIdentity.objects.count() == 1
        single_sign_on.change(actor=actor_of(cast.alice), provider=row, given=moved, client_secret="new")
        assert SignInIdentity.objects.count() == 0


def test_nobody_who_holds_less_than_an_administrator_can_make_a_door_to_an_administrators_account(cast, corp, given):
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        role = roles.create(
            actor=actor_of(cast.alice), name="Settings", permissions=["core.use_console", "tenancy.change_realm"]
        )
    mallory = make_user(cast.alpha, "mallory@alpha.example", "Mallory", role.key)
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        with pytest.raises(HoldsMore):
            single_sign_on.add(actor=actor_of(mallory), given=given, client_secret=SECRET)
        assert not SignInProvider.objects.exists()


@pytest.mark.parametrize(
    "issuer", ["https://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "corp", "http://[fe80::1]/"]
)
def test_a_provider_is_asked_only_where_the_realm_may_reach(cast, given, issuer):
    with scoping.realm_transaction(cast.alpha.pk, "test"), pytest.raises(InvalidInput) as refused:
        single_sign_on.add(actor=actor_of(cast.alice), given=given | {"issuer": issuer}, client_secret=SECRET)
    assert set(refused.value.fields) == {"issuer"}


def test_the_login_page_shows_only_providers_in_use(cast, corp, set_up, given, door):
    row = set_up()
    with scoping.realm_transaction(cast.alpha.pk, "test"):
        single_sign_on.change(
            actor=actor_of(cast.alice), provider=row, given=given | {"is_active": False}, client_secret=""
        )
    selectors.forget_cached()
    assert "Corp" not in words(door.get("/login/"))
    assert door.get(f"/login/with/{row.public_id}/").status_code == 404
    assert door.get(f"/login/with/{row.public_id}/back/?{urlencode({'state': 'x'})}").status_code == 404
