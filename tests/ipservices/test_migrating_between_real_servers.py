"""Ten host names move from a real PowerDNS to a real BIND, and resolvers are answered all the while."""

from __future__ import annotations

from typing import Any

import pytest

from boss.core import scoping
from boss.core.problems import InvalidInput
from boss.platform import lab as platform_lab
from ipservices.drivers.dns_bench import answers
from ipservices.drivers.dns_bind.lab import KEY_NAME
from ipservices.drivers.dns_lab import DnsLab
from ipservices.labs import Names
from ipservices.models import Binding, DriverCall, Migration, MigrationItem, Service
from ipservices.services import bindings, calls, establishing, migrating, places, provisioning
from tests.ipservices.comparing import compare_binding
from tests.ipservices.conftest import Network
from tests.labs import Labs

ZONE = "subs.alpha.example"
NAMES = [f"home-{number}.{ZONE}" for number in range(10)]
SUSPENDED, IN_THE_WAY = NAMES[3], NAMES[6]


def bind(network: Network, folder: str, lab: DnsLab, **settings: str) -> Binding:
    [bound] = platform_lab.modules()[folder].bindings(lab.facts(), Names(ZONE, "alpha.example", "sip.alpha.example"))
    with scoping.realm_transaction(network.realm.pk):
        return bindings.create(
            actor=network.system, family="dns", driver_key=folder, name=f"{folder} {settings or ''}",
            settings={**bound.settings, **settings}, secrets=bound.secrets, position=9,
        )  # fmt: skip


def in_service(network: Network, binding: Binding) -> None:
    """Ten subscribers' host names, one of them suspended."""
    subscription = network.subscription
    with scoping.realm_transaction(network.realm.pk):
        rows = [
            Service.objects.create(
                account_id=subscription.account_id, subscription=subscription, site_id=subscription.site_id,
                feature_key=f"host.{number}", title="Host name", family="dns", kind="host", name=name, binding=binding,
                desired={"zone": ZONE, "addresses": ["203.0.113.2"], "ttl": 300},
            )
            for number, name in enumerate(NAMES)
        ]  # fmt: skip
    for row in rows:
        establishing.bring_up(actor=network.system, service_id=row.pk, key=f"up:{row.pk}")
    with scoping.realm_transaction(network.realm.pk):
        shut = Service.objects.get(name=SUSPENDED)
        provisioning.suspend(actor=network.system, service=shut)
    establishing.bring_up(actor=network.system, service_id=shut.pk, key="shut")


def work(network: Network, migration: Migration) -> Migration:
    for _turn in range(50):
        if migrating.go_on(realm_id=network.realm.pk, migration_id=migration.pk):
            break
    with scoping.realm_transaction(network.realm.pk):
        return Migration.objects.select_related("source", "target").get(pk=migration.pk)


def ask(network: Network, verb: Any, migration: Migration, **how: Any) -> Migration:
    with scoping.realm_transaction(network.realm.pk):
        verb(actor=network.system, migration=migration, **how)
    return work(network, migration)


def previewed(network: Network, source: Binding, target: Binding, **how: Any) -> Migration:
    with scoping.realm_transaction(network.realm.pk):
        migration = migrating.prepare(actor=network.system, source=source, target=target, **how)
    return work(network, migration)


def states(network: Network, migration: Migration) -> dict[str, str]:
    with scoping.realm_transaction(network.realm.pk):
        rows = MigrationItem.objects.filter(migration=migration).values_list("service__name", "state")
        return dict(rows)


def held(network: Network, binding: Binding) -> set[str]:
    with scoping.realm_transaction(network.realm.pk):
        connection = calls.connection_of(binding)
    with calls.open_driver(binding, connection) as driver:
        return {one.name for one in driver.list_all()}


def resolved(lab: DnsLab, names: list[str]) -> list[str]:
    """What a resolver is told, one answer for each name."""
    return ["".join(answers(lab, name, "A")) for name in names]


def put_an_alias_in_the_way(lab: Any, name: str, *, take_away: bool = False) -> None:
    """Somebody's hand at the new server: a record that BIND would keep in silence instead of ours."""
    import dns.query
    import dns.tsigkeyring
    import dns.update

    keys = dns.tsigkeyring.from_text({KEY_NAME: ("hmac-sha256", lab.update_key)})
    change = dns.update.UpdateMessage(f"{ZONE}.", keyring=keys)
    if take_away:
        change.delete(f"{name}.", "CNAME")
    else:
        change.add(f"{name}.", 300, "CNAME", "elsewhere.example.")
    assert dns.query.tcp(change, lab.dns_host, port=lab.dns_port, timeout=3).rcode() == 0


def test_ten_host_names_move_from_powerdns_to_bind_and_one_that_cannot_goes_back_by_itself(
    network: Network, labs: Labs, settings: Any
) -> None:
    powerdns, bind9 = labs.empty("dns_powerdns"), labs.empty("dns_bind")
    settings.BOSS_DRIVER_DIRECTORIES = [str(bind9.directory)]
    network.run("design_services")
    network.run("reserve_address")
    old, new = bind(network, "dns_powerdns", powerdns), bind(network, "dns_bind", bind9)
    in_service(network, old)
    told = resolved(powerdns, NAMES)
    assert [bool(answer) for answer in told] == [name != SUSPENDED for name in NAMES]

    migration = previewed(network, old, new, batch_size=4)

    assert (migration.state, set(states(network, migration).values())) == ("ready", {"ready"})
    assert resolved(powerdns, NAMES) == told
    assert held(network, new) == set()  # looking has made nothing

    # The zone is made at the new server, and somebody puts an alias there.
    with scoping.realm_transaction(network.realm.pk):
        warm = Service.objects.get(name=NAMES[0])
    with calls.open_driver(new, _connection(network, new)) as driver:
        driver.establish(calls.desired_of(warm), key="warm")
        driver.take_away(calls.desired_of(warm), key="warm")
    put_an_alias_in_the_way(bind9, IN_THE_WAY)

    migration = ask(network, migrating.start, migration)

    moved = [name for name in NAMES if name != IN_THE_WAY]
    assert migration.state == "over"
    assert states(network, migration) == {**dict.fromkeys(moved, "done"), IN_THE_WAY: "failed"}
    assert resolved(bind9, moved) == resolved_of(told, moved)
    assert resolved(powerdns, [IN_THE_WAY]) == resolved_of(told, [IN_THE_WAY])  # it serves where it did
    assert (held(network, old), held(network, new)) == ({IN_THE_WAY}, set(moved))

    with scoping.realm_transaction(network.realm.pk):
        stuck = Service.objects.get(name=IN_THE_WAY)
    migration = ask(network, migrating.roll_back, migration, service=stuck)

    assert states(network, migration) == {**dict.fromkeys(moved, "done"), IN_THE_WAY: "returned"}
    assert resolved(powerdns, [IN_THE_WAY]) == resolved_of(told, [IN_THE_WAY])
    assert (held(network, old), held(network, new)) == ({IN_THE_WAY}, set(moved))

    put_an_alias_in_the_way(bind9, IN_THE_WAY, take_away=True)
    again = ask(network, migrating.start, previewed(network, old, new))

    assert states(network, again) == {IN_THE_WAY: "done"}
    assert resolved(bind9, NAMES) == told
    assert resolved(powerdns, NAMES) == [""] * len(NAMES)
    assert (held(network, old), held(network, new)) == (set(), set(NAMES))
    # The ten stand for nothing that is sold, which every comparison says; on the servers all is as it should be.
    found = compare_binding(network, old) + compare_binding(network, new)
    assert {one.kind for one in found} <= {"unsold", "unplanned"}
    with scoping.realm_transaction(network.realm.pk):
        assert set(Service.objects.filter(name__in=NAMES).values_list("binding_id", "state")) == {
            (new.pk, "active"), (new.pk, "suspended"),
        }  # fmt: skip
        assert DriverCall.objects.filter(service=stuck, binding=new, outcome="failed").exists()


def resolved_of(told: list[str], names: list[str]) -> list[str]:
    return [told[NAMES.index(name)] for name in names]


def _connection(network: Network, binding: Binding) -> Any:
    with scoping.realm_transaction(network.realm.pk):
        return calls.connection_of(binding)


@pytest.mark.parametrize(
    "spelled", [{"api_url": "http://LOCALHOST:8081/"}, {"dns_host": "::1"}, {"nameservers": "ns9.alpha.example"}]
)
def test_one_server_under_two_spellings_is_refused_before_anything_is_asked(
    network: Network, spelled: dict[str, str]
) -> None:
    network_settings = {"api_url": "http://127.0.0.1:8081", "dns_host": "localhost", "zone": ZONE}
    one, twin = (_bound(network, name, {**network_settings, **more}) for name, more in (("a", {}), ("b", spelled)))

    with scoping.realm_transaction(network.realm.pk):
        with pytest.raises(InvalidInput) as refused:
            migrating.prepare(actor=network.system, source=one, target=twin)
        assert list(refused.value.fields) == ["target"]
        assert not Migration.objects.exists()


def test_one_server_under_two_names_is_found_out_by_the_worker_and_nothing_is_touched(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"ns.alpha.example": "192.0.2.53", "192.0.2.53": "192.0.2.53", "ns-b.alpha.example": "192.0.2.54"}
    monkeypatch.setattr(places, "reachable_address", lambda host, _networks, *, seconds: where[host])
    one = _bound(network, "a", {"api_url": "http://192.0.2.53:8081", "dns_host": "192.0.2.53"})
    twin = _bound(network, "b", {"api_url": "http://ns.alpha.example:8081", "dns_host": "ns.alpha.example"})
    other = _bound(network, "c", {"api_url": "http://ns-b.alpha.example:8081", "dns_host": "ns-b.alpha.example"})
    subscription = network.subscription
    with scoping.realm_transaction(network.realm.pk):
        Service.objects.create(
            account_id=subscription.account_id, subscription=subscription, site_id=subscription.site_id, title="x",
            feature_key="host.1", family="dns", kind="host", name=NAMES[0], binding=one, state="active", revision=1,
            applied_revision=1, desired={"zone": ZONE, "addresses": ["203.0.113.9"]},
        )  # fmt: skip
        assert not places.may_be_one_server(one, twin)

    migration = previewed(network, one, twin)

    with scoping.realm_transaction(network.realm.pk):
        (item,) = MigrationItem.objects.filter(migration=migration)
        assert (item.state, item.reason) == (
            "refused", "Both servers are one: their addresses lead to the same place.",
        )  # fmt: skip
        assert not DriverCall.objects.exists()
    assert places.lead_to_one_server("dns_powerdns", _connection(network, one), _connection(network, twin))
    assert not places.lead_to_one_server("dns_powerdns", _connection(network, one), _connection(network, other))


def _bound(network: Network, name: str, settings: dict[str, str]) -> Binding:
    with scoping.realm_transaction(network.realm.pk):
        return bindings.create(
            actor=network.system, family="dns", driver_key="dns_powerdns", name=name,
            settings={"dns_port": 53, **settings}, secrets={"api_key": "k"}, position=9,
        )  # fmt: skip
