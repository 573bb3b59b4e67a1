"""Staff read on the API what was sent and whether it arrived; nobody reads a link that lets its reader in."""

from __future__ import annotations

from boss.notify.services import messages
from tests.cast import make_user
from tests.notify.conftest import WELCOME


def test_bob_sees_what_went_to_dana_and_not_her_link(browser_of, cast, alpha, system, say):
    say()
    messages.send(actor=system, template="welcome", to=[("erin@home.example", "Erin")], context=WELCOME, key="w")
    bob = browser_of(cast.bob)
    welcome, receipt = bob.get("/api/v1/notify/messages/").json()["results"]
    assert (welcome["sealed"], welcome["text"]) == (True, "") and "AL-1001" in receipt["text"]
    assert [(d["address"], d["state"]) for d in receipt["deliveries"]] == [("dana@home.example", "queued")]
    assert "token-of-dana" not in bob.get("/api/v1/notify/messages/").content.decode()
    found = bob.get("/api/v1/notify/messages/?address=dana@home.example&state=queued").json()["results"]
    assert [message["public_id"] for message in found] == [receipt["public_id"]]


def test_charlie_and_dana_see_nothing(browser_of, cast, alpha, say):
    message = say()
    charlie = browser_of(cast.charlie)
    assert charlie.get("/api/v1/notify/messages/").json()["results"] == []
    assert charlie.get(f"/api/v1/notify/messages/{message.public_id}/").status_code == 404
    dana = make_user(cast.alpha, "dana@home.example", "Dana", "subscriber", kind="subscriber", own=True)
    assert browser_of(dana).get("/api/v1/notify/messages/").status_code == 403
