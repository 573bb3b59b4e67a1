"""Somebody lost his phone: who may change him takes the second factors away, nobody else, and he hears of it."""

from __future__ import annotations

import pytest

from boss.core import relay
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.notify.models import Message
from boss.tenancy.errors import HoldsMore, NotYourself
from boss.tenancy.models import RecoveryCode, Session, Totp, User
from boss.tenancy.services import factors, roles
from tests.cast import Cast, actor_of, make_user
from tests.portals.test_second_step import with_app
from tests.portals.visiting import message_beside, words

pytestmark = pytest.mark.usefixtures("alpha")

SURE = {"confirmed": "on"}


@pytest.fixture
def hanna(cast: Cast, alice) -> User:
    """She cares for people, and has none of the administrator's other rights."""
    rights = ["core.use_console", "tenancy.view_user", "tenancy.change_user"]
    roles.create(actor=alice, name="HR", permissions=rights)
    return make_user(cast.alpha, "hr@alpha.example", "Hanna Hart", "hr")


def path_of(user: User) -> str:
    return f"/console/people/{user.public_id}"


def kept(user: User) -> tuple[int, int, int, int]:
    """What he signs in with, his sessions, and what is on record about it."""
    return (
        Totp.objects.filter(user=user).count(), RecoveryCode.objects.filter(user=user).count(),
        Session.objects.filter(user=user).count(), AuditEntry.objects.filter(action="sign_in.factors_reset").count(),
    )  # fmt: skip


def test_the_page_takes_them_away_ends_the_sessions_and_a_mail_tells(cast, browser_of):
    tom = make_user(cast.alpha, "tom@alpha.example", "Tom Tinker", "noc")
    with_app(tom)
    phone, client = browser_of(tom), browser_of(cast.alice)
    assert "Lost the phone?" in words(client.get(f"{path_of(tom)}/"))
    unsure = client.post(f"{path_of(tom)}/reset-factors/", {})
    assert unsure.status_code == 422 and "make sure first" in message_beside(unsure, "confirmed")
    assert kept(tom)[:2] == (1, 10)
    assert client.post(f"{path_of(tom)}/reset-factors/", SURE).status_code == 302
    assert kept(tom) == (0, 0, 0, 1) and phone.get("/console/").status_code == 302
    assert "Lost the phone?" not in words(client.get(f"{path_of(tom)}/"))
    relay.deliver_due(cast.alpha.pk)
    mails = Message.objects.filter(template="sign_in_changed").order_by("-id")
    assert "removed your authenticator app" in mails[0].text


def test_it_wants_a_fresh_proof(cast, browser_of):
    with_app(cast.bob)
    before = kept(cast.bob)
    answer = browser_of(cast.alice, proven=False).post(f"{path_of(cast.bob)}/reset-factors/", SURE)
    assert answer["Location"].startswith("/login/again/") and kept(cast.bob) == before


def test_whoever_holds_less_takes_nothing_from_an_administrator(cast, hanna, browser_of):
    with_app(cast.alice)
    browser_of(cast.alice)
    before = kept(cast.alice)
    with pytest.raises(HoldsMore):
        factors.reset(actor=actor_of(hanna), user=cast.alice)
    assert kept(cast.alice) == before
    answer = browser_of(hanna).post(f"{path_of(cast.alice)}/reset-factors/", SURE)
    assert answer.status_code == 422 and "rights that you do not have" in words(answer)
    assert kept(cast.alice) == before
    api = browser_of(hanna).post(f"/api/v1/tenancy/users/{cast.alice.public_id}/reset-factors/")
    assert api.status_code == 403 and api.json()["code"] == "tenancy.holds_more" and kept(cast.alice) == before


def test_nobody_without_the_right_nor_anybody_for_himself(cast, alice, bob, browser_of):
    with_app(cast.alice)
    before = kept(cast.alice)
    with pytest.raises(PermissionDenied):
        factors.reset(actor=bob, user=cast.alice)
    assert browser_of(cast.bob).post(f"{path_of(cast.alice)}/reset-factors/", SURE).status_code == 403
    with pytest.raises(NotYourself):
        factors.reset(actor=alice, user=cast.alice)
    assert kept(cast.alice)[:2] == before[:2] and kept(cast.alice)[3] == 0


def test_the_api_does_the_same_and_of_whoever_has_none_nothing_is_done(cast, browser_of):
    client, address = browser_of(cast.alice), f"/api/v1/tenancy/users/{cast.bob.public_id}/reset-factors/"
    assert client.post(address).status_code == 200 and kept(cast.bob)[3] == 0
    with_app(cast.bob)
    assert client.post(address).status_code == 200 and kept(cast.bob)[::3] == (0, 1)
    old = browser_of(cast.alice, proven=False).post(address)
    assert old.status_code == 403 and old.json()["code"] == "tenancy.reauthentication_needed"
