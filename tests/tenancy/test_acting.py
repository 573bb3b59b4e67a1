"""Staff see self-help as a subscriber sees it: read-only, for half an hour, with a reason, under both names."""

from __future__ import annotations

import datetime as dt

import pytest

from boss.core import audit, clock
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.services import ReadOnlyActor
from boss.tenancy import selectors
from boss.tenancy.errors import CannotActAs
from boss.tenancy.models import ActingSession, User
from boss.tenancy.services import acting, users
from tests.cast import make_user

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture
def dora(cast):
    return make_user(cast.alpha, "dora@alpha.example", "Dora Dane", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def looking(cast, dora, browser_of):
    """Bob's browser, inside a visit at Dora's."""
    client = browser_of(cast.bob)
    answer = client.post(f"/console/people/{dora.public_id}/act-as/", {"reason": "TL-1042"})
    assert answer.status_code == 302 and answer["Location"] == "/my/"
    return client


def test_bob_sees_what_dora_sees_and_every_page_says_so(looking):
    page = looking.get("/my/").content.decode()
    assert "Hello Dora" in page and "Bob Baker, you see what Dora Dane sees" in page
    me = looking.get("/api/v1/me/").json()
    assert me["label"] == "Dora Dane" and "core.use_console" not in me["permissions"]
    assert looking.get("/api/v1/subscribers/accounts/").json()["results"] == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/my/tickets/new/", "/api/v1/ticketing/tickets/", "/login/", "/signup/"])
def test_nothing_can_be_changed_on_pages_or_the_api(looking, method, path):
    before = (AuditEntry.objects.count(), User.objects.count())
    answer = getattr(looking, method)(path, {"title": "x"}, content_type="application/json")
    assert answer.status_code == 403
    assert (AuditEntry.objects.count(), User.objects.count()) == before


def test_no_service_takes_such_an_actor(cast, dora, bob):
    visit = acting.begin(actor=bob, subscriber=dora, reason="look")
    actor = acting.standing_in(dora, acting.Operator(visit.staff_id, "Bob Baker"))
    with pytest.raises(ReadOnlyActor):
        users.set_password(actor=actor, user=dora, password="a long enough one")


def test_both_names_stand_in_the_audit_trail(cast, looking, dora):
    entry = audit.list_for(dora).get(action="acting.begun")
    assert (entry.actor_label, entry.on_behalf_of_label) == ("Bob Baker", "Dora Dane")
    assert (entry.actor_id, entry.on_behalf_of_id) == (cast.bob.pk, dora.pk)
    assert entry.after["reason"] == "TL-1042"


def test_bob_stays_himself_in_the_console_and_ends_the_visit(looking, dora):
    assert "Bob Baker" in looking.get("/console/").content.decode()
    assert looking.post("/console/acting/stop/").status_code == 302
    assert audit.list_for(dora).filter(action="acting.ended").exists()
    assert looking.get("/my/").status_code == 403


def test_it_ends_after_half_an_hour(looking):
    with clock.moved(dt.timedelta(minutes=29)):
        assert looking.get("/my/").status_code == 200
    with clock.moved(dt.timedelta(minutes=31)):
        answer = looking.get("/my/")
        assert answer.status_code == 403 and "visit is over" in answer.content.decode()
        assert looking.get("/console/").status_code == 200


def test_dora_sees_who_looked_and_why(looking, browser_of, dora):
    page = browser_of(dora).get("/my/visits/").content.decode()
    assert "Bob Baker" in page and "TL-1042" in page
    history = browser_of(dora).get("/my/history/").content.decode()
    assert "looked at your pages as you see them" in history and "/my/visits/" in history and "Bob" not in history


def test_it_needs_the_right_a_reason_and_a_subscriber(cast, alice, bob, dora):
    tom = selectors.actor_for_user(make_user(cast.alpha, "tom@alpha.example", "Tom", "field_technician"))
    with pytest.raises(PermissionDenied):
        acting.begin(actor=tom, subscriber=dora, reason="curious")
    with pytest.raises(InvalidInput):
        acting.begin(actor=bob, subscriber=dora, reason="  ")
    with pytest.raises(CannotActAs):
        acting.begin(actor=bob, subscriber=cast.alice, reason="rights")
    assert not ActingSession.objects.exists()


def test_it_ends_when_the_right_is_taken_away(looking, cast):
    from boss.tenancy.models import RoleGrant

    RoleGrant.objects.filter(user=cast.bob).delete()
    assert looking.get("/my/").status_code == 403


def test_another_persons_visit_opens_nothing(cast, dora, bob, browser_of):
    visit = acting.begin(actor=bob, subscriber=dora, reason="look")
    assert acting.find_open(cast.alice, visit.public_id) is None
    assert acting.find_open(cast.bob, visit.public_id) == visit
