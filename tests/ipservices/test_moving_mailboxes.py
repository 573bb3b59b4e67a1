"""Three mailboxes move from the provider's own mail server to a hosted one with all that is in them, and back.

Two real Postfixes and Dovecots, and mail programs that know an address and a password.
"""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from boss.core import scoping
from ipservices import sealing
from ipservices.drivers.mail_postfix_dovecot.driver import PostfixDovecotDriver
from ipservices.drivers.mail_postfix_dovecot.lab import bindings as bindings_of
from ipservices.labs import Names
from ipservices.mailing.lab.servers import MailLab
from ipservices.models import Binding, ContainerLock, DriverCall, Migration, MigrationItem, Service
from ipservices.services import bindings, calls, establishing, migrating, moves, provisioning
from tests.ipservices.conftest import Network
from tests.ipservices.test_three_mail_servers import Subscriber, eventually, refusal, writes
from tests.labs import Labs

pytestmark = pytest.mark.lab

DOMAIN = "alpha.example"
MARIA, BEN, SUE = (f"{name}@{DOMAIN}" for name in ("maria.m", "ben", "sue"))
EVERYBODY = (MARIA, BEN, SUE)
ALIAS = f"hello@{DOMAIN}"


@dataclass
class Mail:
    """Alpha with its mailboxes at its own server, and a hosted one that is empty."""

    network: Network
    labs: dict[str, MailLab]
    servers: dict[str, Binding]

    def owner(self, name: str, place: str) -> Subscriber:
        return Subscriber(self.labs[place], name, f"secret of {name}")

    def service(self, name: str) -> Service:
        with scoping.realm_transaction(self.network.realm.pk):
            found: Service = Service.objects.select_related("binding").get(name=name)
            return found

    def work(self, migration: Migration) -> Migration:
        """What workers do until there is nothing more to do now."""
        for _turn in range(20):
            if migrating.go_on(realm_id=self.network.realm.pk, migration_id=migration.pk):
                break
        with scoping.realm_transaction(self.network.realm.pk):
            found: Migration = Migration.objects.select_related("source", "target").get(pk=migration.pk)
            return found

    def ask(self, verb: Callable[..., Any], migration: Migration, **how: Any) -> Migration:
        with scoping.realm_transaction(self.network.realm.pk):
            verb(actor=self.network.system, migration=migration, **how)
        return self.work(migration)

    def previewed(self) -> Migration:
        with scoping.realm_transaction(self.network.realm.pk):
            migration = migrating.prepare(
                actor=self.network.system, source=self.servers["own"], target=self.servers["hosted"]
            )
        return self.work(migration)

    def states(self, migration: Migration) -> dict[str, str]:
        with scoping.realm_transaction(self.network.realm.pk):
            return dict(MigrationItem.objects.filter(migration=migration).values_list("service__name", "state"))

    def held(self, place: str) -> dict[str, Any]:
        """Of every mailbox at a server, what the server holds of it."""
        with scoping.realm_transaction(self.network.realm.pk):
            connection = calls.connection_of(self.servers[place])
        with calls.open_driver(self.servers[place], connection) as driver:
            names = [one.name for one in driver.list_all()]
            return {name: driver.observe(calls.desired_of(self.service(name))) for name in names}

    def inside(self, place: str, name: str) -> dict[str, Any]:
        """How much is in a mailbox, past every suspension."""
        with scoping.realm_transaction(self.network.realm.pk):
            connection = calls.connection_of(self.servers[place])
        with calls.open_driver(self.servers[place], connection) as driver:
            return dict(driver.contents(calls.desired_of(self.service(name))))


@pytest.fixture
def mail(network: Network, labs: Labs) -> Iterator[Mail]:
    running = {"own": labs.empty("mail_postfix_dovecot"), "hosted": labs.empty("mail_postfix_dovecot", "hosted")}
    servers = {}
    for place, lab in running.items():
        [bound] = bindings_of(lab.facts(), Names("subs.alpha.example", DOMAIN, "sip.alpha.example"))
        with scoping.realm_transaction(network.realm.pk):
            servers[place] = bindings.create(
                actor=network.system, family="mail", driver_key=bound.driver_key, name=f"{place} mail",
                settings=bound.settings, secrets=bound.secrets, position=8,
                placement="on_site" if place == "own" else "hosted",
            )  # fmt: skip
    found = Mail(network, running, servers)
    for name in EVERYBODY:
        provide(found, name)
    yield found


def provide(mail: Mail, name: str) -> None:
    """A mailbox with two messages, at the provider's own server."""
    subscription = mail.network.subscription
    with scoping.realm_transaction(mail.network.realm.pk):
        row = Service.objects.create(
            account_id=subscription.account_id, subscription=subscription, site_id=subscription.site_id, family="mail",
            kind="mailbox", feature_key=f"mail.{name.partition('@')[0]}", title="Mailbox", name=name,
            desired={"address": name, "quota_mb": 20, "aliases": [ALIAS] if name == MARIA else []},
            binding=mail.servers["own"],
        )  # fmt: skip
        row.sealed_secrets = sealing.seal_secrets(row, {"password": f"secret of {name}"})
        row.save()
    establishing.bring_up(actor=mail.network.system, service_id=row.pk, key=f"up-{row.pk}", keep_former=False)
    for subject in ("First", "Second"):
        writes(mail.labs["own"], name, subject)
    eventually(lambda: len(mail.owner(name, "own").subjects()) == 2)


def bills(owner: Subscriber) -> None:
    """She keeps a bill in a folder of her own, flagged, and has read her first mail."""
    client = owner.reads()
    client.create("Bills/2026")
    client.subscribe("Bills/2026")
    client.append("Bills/2026", r"(\Seen \Flagged)", "", b"Subject: Bill\r\n\r\nTo be paid.\r\n")
    client.store("1", "+FLAGS", r"(\Seen)")
    client.logout()


def as_seen(owner: Subscriber) -> dict[str, list[bytes]]:
    """All that a mail program sees: every folder, and of every message its number, flags, date and size."""
    client = owner.reads()
    seen: dict[str, list[bytes]] = {"subscribed": sorted(line for line in client.lsub()[1] if isinstance(line, bytes))}
    for line in client.list()[1]:
        assert isinstance(line, bytes)
        if b"\\Noselect" in line:
            seen[line.decode()] = []
            continue
        folder = line.rpartition(b' "/" ')[2].decode().strip('"')
        client.select(folder, readonly=True)
        found: list[Any] = client.uid("FETCH", "1:*", "(FLAGS INTERNALDATE RFC822.SIZE)")[1]
        seen[folder] = [row.replace(rb"\Recent ", b"").replace(rb"\Recent", b"") for row in found if row]
    client.logout()
    return seen


def test_mailboxes_move_with_all_that_is_in_them_and_what_came_in_since_comes_back_with_them(mail: Mail) -> None:
    bills(mail.owner(MARIA, "own"))
    with scoping.realm_transaction(mail.network.realm.pk):
        Service.objects.filter(name=BEN).update(sealed_secrets="")  # only the server knows his password
        provisioning.suspend(actor=mail.network.system, service=Service.objects.get(name=SUE))
    establishing.bring_up(actor=mail.network.system, service_id=mail.service(SUE).pk, key="shut", keep_former=False)
    before, held = as_seen(mail.owner(MARIA, "own")), mail.held("own")
    open_session = mail.owner(MARIA, "own").reads()

    migration = mail.previewed()

    assert mail.states(migration) == dict.fromkeys(EVERYBODY, "ready")
    with scoping.realm_transaction(mail.network.realm.pk):
        notes = dict(MigrationItem.objects.filter(migration=migration).values_list("service__name", "note"))
    assert notes[MARIA] == "3 messages (0.0 MB) come along."
    assert (mail.held("own"), mail.held("hosted")) == (held | {MARIA: mail.held("own")[MARIA]}, {})

    migration = mail.ask(migrating.start, migration)

    assert (migration.state, mail.states(migration)) == ("over", dict.fromkeys(EVERYBODY, "done"))
    assert as_seen(mail.owner(MARIA, "hosted")) == before
    with pytest.raises((imaplib.IMAP4.error, OSError)):
        open_session.noop()
        open_session.noop()
    assert mail.owner(BEN, "hosted").subjects() == ["First", "Second"]
    assert mail.owner(MARIA, "hosted").may_send() and "20480" in mail.owner(MARIA, "hosted").quota()
    assert not mail.owner(SUE, "hosted").may_read()
    assert mail.inside("hosted", SUE)["INBOX"]["messages"] == 2
    # The old server knows none of them any more.
    assert mail.held("own") == {}
    for name in EVERYBODY:
        assert not mail.owner(name, "own").may_read()
        assert refusal(lambda name=name: writes(mail.labs["own"], name, "Too late")) in (550, 554)
    writes(mail.labs["hosted"], ALIAS, "By the alias")
    eventually(lambda: "By the alias" in mail.owner(MARIA, "hosted").subjects())
    with scoping.realm_transaction(mail.network.realm.pk):
        told = list(
            DriverCall.objects.filter(service__name=MARIA, key__startswith="move-")
            .order_by("id")
            .values_list("operation", "binding__name", "outcome")
        )
    assert [(operation, server) for operation, server, _outcome in told] == [
        ("establish", "hosted mail"), ("hand_over", "own mail"), ("restrict", "own mail"), ("hand_over", "own mail"),
        ("establish", "hosted mail"), ("open", "hosted mail"), ("remove", "own mail"),
    ]  # fmt: skip
    assert {outcome for _operation, _server, outcome in told} == {"done"}

    # Back again: what came in at the new server, and what she threw away there, is so at the old one.
    client = mail.owner(MARIA, "hosted").reads()
    client.store("1", "+FLAGS", r"(\Deleted)")
    client.expunge()
    client.logout()
    after = as_seen(mail.owner(MARIA, "hosted"))

    migration = mail.ask(migrating.roll_back, migration)

    assert mail.states(migration) == dict.fromkeys(EVERYBODY, "returned")
    assert mail.owner(MARIA, "own").subjects() == ["Second", "By the alias"]
    assert as_seen(mail.owner(MARIA, "own")) == after
    assert mail.owner(BEN, "own").subjects() == ["First", "Second"]
    assert not mail.owner(SUE, "own").may_read()
    assert mail.held("hosted") == {}
    assert {name: one.as_json() | {"sessions": 0} for name, one in mail.held("own").items()} == {
        name: one.as_json() | {"sessions": 0} for name, one in held.items()
    }


def test_a_mailbox_whose_mail_cannot_be_copied_stays_open_where_it_is_and_the_others_move(mail: Mail) -> None:
    held = mail.held("own")
    # The new server cannot write there.
    place = Path(mail.labs["hosted"].dovecot_home) / "mail" / DOMAIN / "ben"
    for made in (place.parent, place):
        made.mkdir(parents=True, exist_ok=True)
        made.chmod(0o777)
    in_the_way = place / mail.service(BEN).service_ref
    in_the_way.write_text("no directory")

    migration = mail.ask(migrating.start, mail.previewed())

    assert mail.states(migration) == {MARIA: "done", BEN: "failed", SUE: "done"}
    ben = mail.owner(BEN, "own")
    assert ben.may_send()
    writes(mail.labs["own"], BEN, "Meanwhile")
    eventually(lambda: ben.subjects() == ["First", "Second", "Meanwhile"])
    assert not mail.owner(BEN, "hosted").may_read()
    assert refusal(lambda: writes(mail.labs["hosted"], BEN, "Too early")) == 450
    assert mail.owner(SUE, "hosted").subjects() == ["First", "Second"]

    in_the_way.unlink()
    migration = mail.ask(migrating.retry, migration)
    assert mail.states(migration) == dict.fromkeys(EVERYBODY, "done")
    assert mail.owner(BEN, "hosted").subjects() == ["First", "Second", "Meanwhile"]

    migration = mail.ask(migrating.roll_back, migration, service=mail.service(BEN))
    assert mail.states(migration) == {MARIA: "done", BEN: "returned", SUE: "done"}
    assert mail.owner(BEN, "own").subjects() == ["First", "Second", "Meanwhile"]
    assert mail.held("own")[BEN].native == held[BEN].native


class PowerCut(BaseException):
    """The worker dies here."""


@pytest.mark.parametrize("back", [False, True])
def test_a_worker_killed_anywhere_is_succeeded_and_no_mail_is_lost(
    mail: Mail, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    with scoping.realm_transaction(mail.network.realm.pk):
        Service.objects.exclude(name=MARIA).filter(binding=mail.servers["own"]).update(binding=mail.servers["hosted"])
    migration = mail.previewed()
    if back:
        migration = mail.ask(migrating.start, migration)
    with scoping.realm_transaction(mail.network.realm.pk):
        (migrating.roll_back if back else migrating.start)(actor=mail.network.system, migration=migration)
    old, new = ("hosted", "own") if back else ("own", "hosted")
    deaths = 0
    for cut in range(1, 60):
        passed = 0

        def dying(honest: Callable[..., Any], cut: int = cut) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                nonlocal passed
                passed += 1
                if passed == cut:
                    raise PowerCut
                result = honest(*given, **named)
                passed += 1
                if passed == cut:
                    raise PowerCut
                return result

            return call

        with monkeypatch.context() as patch:
            patch.setattr(moves, "step", dying(moves.step))
            for name in ("apply", "remove", "hand_over"):
                patch.setattr(PostfixDovecotDriver, name, dying(getattr(PostfixDovecotDriver, name)))
            try:
                migrating.go_on(realm_id=mail.network.realm.pk, migration_id=migration.pk)
            except PowerCut:
                deaths += 1
                with scoping.realm_transaction(mail.network.realm.pk):
                    Migration.objects.update(until=migration.asked_at)  # its time is over
                    ContainerLock.objects.all().delete()
                # Never open at both, so nothing can come in where it would be overwritten.
                assert not (mail.owner(MARIA, old).may_read() and mail.owner(MARIA, new).may_read())
                continue
        break
    assert deaths >= 8
    assert mail.states(migration)[MARIA] == ("returned" if back else "done")
    assert mail.owner(MARIA, new).subjects() == ["First", "Second"]
    assert not mail.owner(MARIA, old).may_read()
    assert MARIA not in mail.held(old)


def test_without_a_place_to_hand_over_to_the_preview_says_that_mail_stays(mail: Mail) -> None:
    with scoping.realm_transaction(mail.network.realm.pk):
        row = Binding.objects.get(pk=mail.servers["hosted"].pk)
        row.settings = {key: value for key, value in row.settings.items() if key != "handover"}
        row.save()

    migration = mail.previewed()

    assert set(mail.states(migration).values()) == {"refused"}
    with scoping.realm_transaction(mail.network.realm.pk):
        reasons = set(MigrationItem.objects.filter(migration=migration).values_list("reason", flat=True))
    assert reasons == {"Nothing says where hosted mail takes what is in it, and nobody says that it was moved."}
