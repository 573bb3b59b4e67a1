"""Scripts and endpoints in the console: written, tried, published by a second person; secrets go in only."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from boss.automation.models import Endpoint, Script, ScriptVersion
from boss.core import scoping
from tests.cast import Cast, make_user, sign_in

TEXT = "def run(inputs, boss):\n    print('hello')\n    return {'twice': inputs['n'] * 2}\n"
FORM = {
    "source": TEXT,
    "input_schema": '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}',
    "output_schema": '{"type": "object"}',
    "nothing_to_undo": "on", "wall_seconds": "10", "memory_mb": "128", "most_calls": "20", "note": "first",
}  # fmt: skip


def signed_in(user: Any) -> Client:
    client = Client(headers={"host": "alpha.localhost"})
    with scoping.realm_transaction(user.realm_id):
        sign_in(client, user)
    return client


@pytest.fixture
def alice(cast: Cast, alpha: Any) -> Client:
    return signed_in(cast.alice)


@pytest.fixture
def alma(cast: Cast, alpha: Any) -> Client:
    return signed_in(make_user(cast.alpha, "alma@alpha.example", "Alma Ames", "realm_admin"))


def test_a_script_is_written_tried_and_published_by_a_second_person(alice: Client, alma: Client):
    made = alice.post(reverse("console:script_new"), {"title": "Twice", "key": "twice"})
    edit = made["Location"]
    assert "def run(inputs, boss)" in alice.get(edit).content.decode()
    wrong = alice.post(edit, FORM | {"source": "def run(:"})
    assert wrong.status_code == 422 and not ScriptVersion.objects.exists()
    page = alice.post(edit, FORM)["Location"]

    script = Script.objects.get()
    tried = alice.post(reverse("console:script_try", args=[script.public_id]), {"number": "1", "inputs": '{"n": 4}'})
    assert tried.status_code == 200 and "twice" in tried.content.decode() and "hello" in tried.content.decode()
    misfit = alice.post(reverse("console:script_try", args=[script.public_id]), {"number": "1", "inputs": '{"n": "x"}'})
    assert misfit.status_code == 422

    assert "second person publishes" in alice.get(page).content.decode()
    publish = reverse("console:script_publish", args=[script.public_id])
    alice.post(publish, {"number": "1"})
    script.refresh_from_db()
    assert script.current is None
    alma.post(publish, {"number": "1"})
    script.refresh_from_db()
    assert script.current is not None and script.current.number == 1

    alice.post(edit, FORM | {"source": TEXT.replace("* 2", "* 3")})
    shown = alma.get(reverse("console:script", args=[script.public_id]), {"version": "2"}).content.decode()
    assert "<del>-" in shown and "<ins>+" in shown and "Publish version 2" in shown


def test_an_endpoint_is_set_up_changed_and_tested(alice: Client):
    new = reverse("console:endpoint_new") + "?kind=http"
    given = {
        "key": "nms", "title": "NMS", "settings_url": "http://127.0.0.1:9", "settings_rules": "GET /",
        "settings_auth": "bearer", "deadline_seconds": "5", "secrets_secret": "planted-9a7b",
    }  # fmt: skip
    assert alice.post(new, given | {"settings_rules": "FETCH x"}).status_code == 422
    page = alice.post(new, given)["Location"]
    endpoint = Endpoint.objects.get()
    sealed = endpoint.sealed_secrets
    assert "planted-9a7b" not in alice.get(page).content.decode()

    change = {key: value for key, value in given.items() if key not in ("key", "secrets_secret")}
    assert alice.post(page, change | {"title": "Other", "enabled": "on"}).status_code == 302
    endpoint.refresh_from_db()
    assert endpoint.title == "Other" and endpoint.sealed_secrets == sealed
    answer = alice.post(reverse("console:endpoint_test", args=[endpoint.public_id]), follow=True)
    assert "no connection" in answer.content.decode()


def test_the_lists_ask_the_same_however_long_they_are(alice: Client, statements_of, system):
    from boss.automation.services import scripts

    few = len(statements_of(alice, reverse("console:scripts")))
    for n in range(5):
        scripts.create(actor=system, key=f"s{n}", title=f"S {n}")
    assert len(statements_of(alice, reverse("console:scripts"))) == few <= 12
