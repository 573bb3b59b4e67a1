"""Which private networks a provider's drivers may reach is for the operator to say, and is looked at when said."""

from __future__ import annotations

import io
import ipaddress

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client

from boss.core import scoping
from boss.core.models import AuditEntry
from boss.core.networks import NEVER, NetworkRefused, listed, still_listed
from boss.core.outbound import Policy
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.settings import env
from boss.tenancy import policies
from boss.tenancy.models import Realm
from boss.tenancy.services import driver_networks, realms
from tests.cast import make_user

REFUSED = [
    "", "x", "10.0.0.0/33", "10.1.2.3/8", "0.0.0.0/0", "::/0", "10.0.0.0/7", "fc00::/6", "127.0.0.1", "127.0.0.0/8",
    "::1", "169.254.169.254", "169.254.0.0/16", "fe80::/10", "fe80::1/128", "fd00:ec2::254", "100.100.100.200",
    "224.0.0.0/8", "ff00::/8", "240.0.0.0/8", "255.255.255.255", "0.0.0.0", "::ffff:10.0.0.0/104", "10.0.0.0/8 ;",
]  # fmt: skip
TAKEN = {
    "10.0.0.0/8": "10.0.0.0/8", " 192.168.7.0/24 ": "192.168.7.0/24", "172.16.0.9": "172.16.0.9/32",
    "100.64.0.0/10": "100.64.0.0/10", "fd00:1::/32": "fd00:1::/32", "fc00::/7": "fc00::/7",
    "203.0.113.9": "203.0.113.9/32",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_network_or_never_to_be_reached_is_not_listed(text):
    with pytest.raises(NetworkRefused) as refused:
        listed(text)
    assert str(refused.value.reason).endswith(".")


@pytest.mark.parametrize("text", TAKEN)
def test_a_private_network_is_listed_in_its_usual_spelling(text):
    assert listed(text) == TAKEN[text]


def test_a_wide_network_does_not_open_what_lies_in_it_and_is_never_asked():
    policy = Policy((listed("100.64.0.0/10"), listed("fc00::/7")))
    assert policy.is_listed(ipaddress.ip_address("100.64.0.1"))
    assert not any(policy.is_listed(network[0]) for network in NEVER)


def test_what_was_written_into_the_settings_by_hand_opens_nothing_it_must_not():
    assert still_listed(["10.0.0.0/8", "0.0.0.0/0", "169.254.169.254", None, 7.5, "nonsense"]) == ("10.0.0.0/8",)


def test_the_operator_lists_networks_and_it_stands_in_the_realms_trail(alpha, system):
    realm = driver_networks.allow(actor=system, networks=["192.168.7.0/24", "10.0.0.0/8", "10.0.0.0/8"])
    assert driver_networks.of_realm(realm) == ("10.0.0.0/8", "192.168.7.0/24")
    assert driver_networks.reachable_from(realm) == ("127.0.0.0/8", "10.0.0.0/8", "192.168.7.0/24")
    entry = AuditEntry.objects.get(action="realm.driver_networks_changed")
    assert entry.before == {"driver_networks": []} and entry.after["driver_networks"][0] == "10.0.0.0/8"
    driver_networks.allow(actor=system, networks=["10.0.0.0/8", "192.168.7.0/24"])
    assert AuditEntry.objects.filter(action="realm.driver_networks_changed").count() == 1


def test_one_bad_network_among_good_ones_changes_nothing(alpha, system):
    with pytest.raises(InvalidInput) as refused:
        driver_networks.allow(actor=system, networks=["10.0.0.0/8", "169.254.169.254", "127.0.0.1"])
    assert len(refused.value.fields["driver_networks"]) == 2
    assert driver_networks.KEY not in Realm.objects.get(pk=alpha.pk).settings
    assert not AuditEntry.objects.filter(action="realm.driver_networks_changed").exists()


def test_no_role_of_a_realm_lets_anybody_do_it(alpha, alice, bob):
    assert not any("platform.operate" in policy.permissions for policy in policies.BUILT_IN.values())
    for actor in (alice, bob):
        with pytest.raises(PermissionDenied):
            driver_networks.allow(actor=actor, networks=["10.0.0.0/8"])
    assert driver_networks.KEY not in Realm.objects.get(pk=alpha.pk).settings


def command(*words: str) -> str:
    said = io.StringIO()
    call_command("driver_networks", *words, stdout=said)
    return said.getvalue()


def test_at_the_command_line_networks_are_shown_added_and_removed(real_db, cast):
    assert command("alpha") == ""
    assert command("alpha", "--add", "10.0.0.0/8", "192.168.7.0/24") == "10.0.0.0/8\n192.168.7.0/24\n"
    assert command("alpha", "--remove", "10.0.0.0/8") == "192.168.7.0/24\n" == command("alpha")
    assert command("beta") == ""
    for words, said in (
        (("alpha", "--add", "169.254.169.254"), "never|ever asked"),
        (("alpha", "--add", "10.1.2.3/8"), "like 10.20.0.0/16"),
        (("alpha", "--remove", "10.0.0.0/8"), "Not listed"),
        (("nowhere",), "no realm"),
    ):
        with pytest.raises(CommandError, match=said):
            command(*words)
    assert command("alpha") == "192.168.7.0/24\n"
    with scoping.realm_transaction(cast.alpha.pk):
        entries = AuditEntry.objects.filter(action="realm.driver_networks_changed").order_by("id")
        assert [entry.actor_label for entry in entries] == ["Platform operator at the command line"] * 2


def test_in_the_back_office_the_field_does_the_same_and_the_rest_is_on_record_too(real_db, cast):
    platform = realms.create(key="platform", name="Platform", hosts=["platform.localhost"], is_platform=True)
    client = Client(headers={"host": "platform.localhost"})
    with scoping.realm_transaction(platform.pk):
        client.force_login(make_user(platform, "op@platform.example", "Olga Operator"))
    path = f"/admin/tenancy/realm/{cast.alpha.pk}/change/"
    assert b"driver_networks" in client.get(path).content and b'name="settings"' not in client.get(path).content
    sent = {
        "name": "Alpha Cable",
        "time_zone": "UTC",
        "currency": "USD",
        "languages": "",
        "canonical_host": "alpha.localhost",
        "components": ",".join(cast.alpha.components),
        "hosts-TOTAL_FORMS": "0",
        "hosts-INITIAL_FORMS": "0",
    }
    refused = client.post(path, {**sent, "driver_networks": "10.0.0.0/8\n169.254.169.254"})
    assert refused.status_code == 200 and b"ever asked" in refused.content
    with scoping.realm_transaction(cast.alpha.pk):
        assert Realm.objects.get(pk=cast.alpha.pk).settings.get("driver_networks", []) == []
    assert (
        client.post(path, {**sent, "name": "Alpha", "driver_networks": "10.0.0.0/8\n192.168.7.0/24"}).status_code == 302
    )
    with scoping.realm_transaction(cast.alpha.pk):
        realm = Realm.objects.get(pk=cast.alpha.pk)
        assert realm.name == "Alpha" and driver_networks.of_realm(realm) == ("10.0.0.0/8", "192.168.7.0/24")
        networks, changed = (
            AuditEntry.objects.get(action=action) for action in ("realm.driver_networks_changed", "realm.changed")
        )
        assert networks.actor_label == "Platform operator Olga Operator" and changed.after == {"name": "Alpha"}


def test_a_network_of_the_whole_installation_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("BOSS_DRIVER_NETWORKS", "127.0.0.0/8, 10.0.0.0/8")
    assert env.networks("BOSS_DRIVER_NETWORKS") == ["127.0.0.0/8", "10.0.0.0/8"]
    for bad in ("10.0.0.1/8", "169.254.169.254", "everywhere", "0.0.0.0/0"):
        monkeypatch.setenv("BOSS_DRIVER_NETWORKS", bad)
        with pytest.raises(ImproperlyConfigured, match="BOSS_DRIVER_NETWORKS"):
            env.networks("BOSS_DRIVER_NETWORKS")


def test_a_directory_for_drivers_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("BOSS_DRIVER_DIRECTORIES", "/var/lib/bind, /srv/zones/")
    assert env.directories("BOSS_DRIVER_DIRECTORIES") == ["/var/lib/bind", "/srv/zones/"]
    for bad in ("zones", "/", "//", "/var/../etc", "/srv,zones"):
        monkeypatch.setenv("BOSS_DRIVER_DIRECTORIES", bad)
        with pytest.raises(ImproperlyConfigured, match="BOSS_DRIVER_DIRECTORIES"):
            env.directories("BOSS_DRIVER_DIRECTORIES")
