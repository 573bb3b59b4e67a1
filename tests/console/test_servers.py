"""Setting up, changing and trying a server in the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry
from ipservices import sealing
from ipservices.contracts import Health
from ipservices.models import Binding, BindingNode, ConformanceReport
from ipservices.services import bindings, calls
from tests.cast import Cast, sign_in

FORM = {
    "name": "Names", "placement": "hosted", "settings_api_url": "http://127.0.0.1:1", "settings_dns_host": "127.0.0.1",
    "settings_dns_port": "53", "settings_zone": "subs.alpha.example", "secrets_api_key": "very secret",
    "nodes": "second: dns_host=127.0.0.2 dns_port=54", "rule_kinds": "dns.host, dns.zone", "position": "7",
    "deadline_seconds": "2",
}  # fmt: skip
NEW = "?driver=dns_powerdns+dns"


@pytest.fixture
def alice(cast: Cast, alpha: Any) -> Client:
    client = Client(headers={"host": "alpha.localhost"})
    with scoping.realm_transaction(cast.alpha.pk):
        sign_in(client, cast.alice)
    return client


def made(alice: Client) -> Binding:
    answer = alice.post(reverse("console:server_new") + NEW, FORM)
    assert answer.status_code == 302, answer.content.decode()
    binding: Binding = Binding.objects.get(name="Names")
    return binding


def test_a_server_is_set_up_with_the_fields_of_its_driver_and_its_secret_is_never_shown(alice: Client) -> None:
    choice = alice.get(reverse("console:server_new")).content.decode()
    assert "PowerDNS Authoritative" in choice and "dns_powerdns dns" in choice

    binding = made(alice)

    assert (binding.driver_key, binding.family, binding.placement, binding.position) == (
        "dns_powerdns",
        "dns",
        "hosted",
        7,
    )
    assert binding.rules == {"kinds": ["dns.host", "dns.zone"]}
    assert sealing.open_secrets(binding) == {"api_key": "very secret"}
    node = BindingNode.objects.get()
    assert (node.name, node.settings) == ("second", {"dns_host": "127.0.0.2", "dns_port": 54})
    for name in ("console:server", "console:server_edit"):
        shown = alice.get(reverse(name, args=[binding.public_id])).content.decode()
        assert "subs.alpha.example" in shown and "very secret" not in shown


@pytest.mark.parametrize(
    ("field", "value"),
    [("settings_dns_port", "70000"), ("settings_api_url", ""), ("secrets_api_key", ""), ("nodes", "second"),
     ("nodes", "second: nonsense=1"), ("deadline_seconds", "500"), ("placement", "moon")],
)  # fmt: skip
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_lost(alice: Client, field: str, value: str) -> None:
    answer = alice.post(reverse("console:server_new") + NEW, FORM | {field: value})

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "http://127.0.0.1:1" in answer.content.decode() or field == "settings_api_url"
    assert not Binding.objects.filter(name="Names").exists()


def test_a_change_without_a_secret_keeps_the_one_there_is(alice: Client) -> None:
    binding = made(alice)
    form = {key: value for key, value in FORM.items() if key not in ("name", "secrets_api_key")}

    answer = alice.post(reverse("console:server_edit", args=[binding.public_id]), form | {"nodes": "", "position": "9"})

    assert answer.status_code == 302
    binding.refresh_from_db()
    assert (binding.position, binding.enabled) == (9, False)
    assert sealing.open_secrets(binding) == {"api_key": "very secret"}
    assert not BindingNode.objects.exists()


def test_the_test_button_says_in_words_what_does_not_work(alice: Client) -> None:
    binding = made(alice)

    answer = alice.post(reverse("console:server_test", args=[binding.public_id]), follow=True)

    assert "BOSS cannot change Names" in answer.content.decode()


def test_a_trial_is_asked_for_and_its_report_shown(alice: Client) -> None:
    binding = made(alice)
    page = reverse("console:server", args=[binding.public_id])
    assert "Not tried yet" in alice.get(page).content.decode()

    alice.post(reverse("console:server_check", args=[binding.public_id]))
    report = ConformanceReport.objects.get()
    assert "Trying" in alice.get(page).content.decode()

    kept = {"kind": "dns.host", "check": "listed", "outcome": "kept", "detail": "", "milliseconds": 3}
    broken = {"kind": "dns.host", "check": "read_back", "outcome": "broken", "detail": "it lies", "milliseconds": 3}
    report.results, report.passed, report.broken, report.finished_at = [kept, broken], 1, 1, report.started_at
    report.save()
    shown = alice.get(page).content.decode()
    assert "1 promise broken" in shown
    assert shown.index("it lies") < shown.index("Everything that carries our id is listed")


def test_the_page_of_a_server_asks_the_same_however_much_there_is(
    alice: Client, statements_of: Callable[[Client, str], list[str]]
) -> None:
    binding = made(alice)
    page = reverse("console:server", args=[binding.public_id])
    before = len(statements_of(alice, page))
    for number in range(3):
        ConformanceReport.objects.create(binding=binding)
        BindingNode.objects.create(binding=binding, position=10 + number, name=f"n{number}", settings={"dns_port": 1})

    assert len(statements_of(alice, page)) == before


def test_a_server_is_asked_between_transactions_and_that_it_was_tried_is_on_record_whatever_comes(
    cast: Cast, browser_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with scoping.realm_transaction(cast.alpha.pk):
        binding = bindings.create(actor=Actor.system(cast.alpha.pk), family="mail", driver_key="simulator", name="Mail")
    alice, asked = browser_of(cast.alice), list[str]()

    def look(binding: Binding, road: calls.Road) -> Health:
        calls.refuse_inside_transaction()
        asked.append(binding.name)
        if len(asked) == 3:
            raise RuntimeError("the driver has a fault")
        return Health(control=True, service=True, milliseconds=7)

    monkeypatch.setattr(bindings, "_look", look)
    page = alice.post(reverse("console:server_test", args=[binding.public_id]), follow=True).content.decode()
    url, once = f"/api/v1/ipservices/bindings/{binding.public_id}/test/", {"idempotency-key": "once"}
    api, again = (alice.post(url, content_type="application/json", headers=once) for _time in range(2))
    with pytest.raises(RuntimeError):
        alice.post(reverse("console:server_test", args=[binding.public_id]))

    assert "Mail answers, can be changed and serves (7 ms)." in page
    assert (api.status_code, api.json()["service"], again.json()) == (200, True, api.json())
    assert asked == ["Mail"] * 3
    with scoping.realm_transaction(cast.alpha.pk):
        assert AuditEntry.objects.filter(action="binding.tested").count() == 3


def test_half_of_something_is_never_committed_to_ask_a_server(cast: Cast) -> None:
    nested = pytest.raises(scoping.NestedTransaction)
    with scoping.realm_transaction(cast.alpha.pk), transaction.atomic(), nested, scoping.between_transactions():
        raise AssertionError("a half would have been committed")
