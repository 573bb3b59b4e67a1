"""Secrets at rest: bound to their row, sealed anew under a new key while the application runs, found nowhere else."""

from __future__ import annotations

import os
from io import StringIO

import pytest
from django.core.management import call_command

from boss.automation.models import Endpoint
from boss.automation.sealing import opened
from boss.automation.services import endpoints
from boss.core import crypto, scoping, sealed
from boss.core.actors import Actor
from boss.tenancy.models import Realm
from ipservices.models import Binding
from ipservices.sealing import open_secrets
from ipservices.services import bindings
from ticketing.services import categories

OLD, NEW = {"old": os.urandom(32)}, {"new": os.urandom(32)}


def say(**options) -> tuple[int, str]:
    """What the command says, and its exit status."""
    out = StringIO()
    try:
        call_command("rotate_data_keys", stdout=out, **options)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def sealed_in(realm: Realm, n: int) -> int:
    """A binding of this realm with a secret."""
    with scoping.realm_transaction(realm.pk):
        binding = bindings.create(
            actor=Actor.system(realm.pk), family="dns", driver_key="dns_powerdns", name=f"dns {n}",
            settings={"api_url": "http://127.0.0.1:1", "dns_host": "127.0.0.1", "zone": "example"},
            secrets={"api_key": f"secret {n}"},
        )  # fmt: skip
    return binding.pk


@pytest.mark.asvs("11.2.2")
def test_everything_is_sealed_anew_in_batches_that_can_be_stopped(real_db, cast, settings):
    settings.BOSS_DATA_KEYS = OLD
    rows = [(realm.pk, sealed_in(realm, n)) for realm in (cast.alpha, cast.beta) for n in range(3)]

    settings.BOSS_DATA_KEYS = {**NEW, **OLD}
    assert "6 under older keys" in say(dry_run=True)[1]
    status, words = say(most=4, batch=2)
    assert status == 1 and "2 under older keys" in words
    status, words = say()
    assert status == 0 and "Nothing is left" in words

    settings.BOSS_DATA_KEYS = NEW  # the older key is gone
    for realm_id, pk in rows:
        with scoping.realm_transaction(realm_id):
            binding = Binding.objects.get(pk=pk)
            assert binding.sealed_secrets.startswith("new:") and open_secrets(binding)["api_key"].startswith("secret")


@pytest.mark.asvs("11.3.2", "11.3.3")
def test_a_ciphertext_moved_to_another_row_does_not_open(alpha, system):
    categories.create(actor=system, key="c", name="C", kind="work")
    made = [
        endpoints.create(
            actor=system, key=f"e{n}", kind="http", title="E", secrets={"secret": f"s{n}"},
            settings={"url": "https://example.com", "rules": "GET /"},
        )
        for n in range(2)
    ]  # fmt: skip
    Endpoint.objects.filter(pk=made[1].pk).update(sealed_secrets=made[0].sealed_secrets)
    moved = Endpoint.objects.get(pk=made[1].pk)
    with pytest.raises(crypto.CannotOpen):
        opened(moved)


def test_what_no_key_opens_is_counted_and_left_alone(real_db, cast):
    system = Actor.system(cast.alpha.pk)
    with scoping.realm_transaction(cast.alpha.pk):
        binding = bindings.create(actor=system, family="dns", driver_key="simulator", name="x")
        Binding.objects.filter(pk=binding.pk).update(sealed_secrets="gone:AAAA")
    assert list(sealed.turn()) == []
    found = {one.name: one for one in sealed.left()}
    assert found["ipservices.binding.sealed_secrets"] == sealed.Left("ipservices.binding.sealed_secrets", 0, 1)
    with scoping.realm_transaction(cast.alpha.pk):
        assert Binding.objects.get(pk=binding.pk).sealed_secrets == "gone:AAAA"
