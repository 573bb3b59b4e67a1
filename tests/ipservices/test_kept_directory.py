"""The connection to a directory is kept from one call to the next by the same rules as those to databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from boss.core import kept
from ipservices.contracts import AuthFailed, Deadline, Invalid, Unreachable
from ipservices.drivers.mail_ldap.directory import Directory, below
from ipservices.drivers.mail_ldap.lab import BASE, WRITER
from ipservices.labs import HOST
from tests.ipservices.relay import Relay
from tests.labs import Labs

pytestmark = pytest.mark.lab

ALICE, CHARLIE = (1, 7), (2, 9)
"""Realm and binding: Alpha's, and Beta's."""
LOOPBACK = ("127.0.0.0/8",)
DN = below(BASE, "mail", "kept@kept.example")
ENTRY = {
    "objectClass": ["inetOrgPerson", "mailUser"], "mail": ["kept@kept.example"], "cn": ["kept"], "sn": ["kept"],
    "homeDirectory": ["/nowhere"],
}  # fmt: skip


@dataclass
class Place:
    relay: Relay
    password: str

    def directory(
        self, owner: tuple[int, int] | None = ALICE, *, password: str = "", networks: tuple[str, ...] = LOOPBACK
    ) -> Directory:
        given = {"ldap_host": HOST, "ldap_port": self.relay.port, "ldap_tls": "none", "bind_dn": WRITER}
        return Directory(
            given, password or self.password, deadline=Deadline(8), networks=networks, note=lambda *_: None, owner=owner
        )

    def look(self, *args: Any, **other: Any) -> int:
        """One call, as a driver makes it; how many entries there are of the name."""
        with closing(self.directory(*args, **other)) as directory:
            return len(directory.search(BASE, "(mail=kept@kept.example)", ["mail"]))


@pytest.fixture
def place(labs: Labs) -> Iterator[Place]:
    kept.clear()
    lab = labs.of("mail_ldap")
    relay = Relay((HOST, lab.ldap_port))
    yield Place(relay, lab.password)
    relay.close()
    kept.clear()
    with closing(Place(Relay((HOST, lab.ldap_port)), lab.password).directory(None)) as directory:
        directory.delete(DN)


def test_ten_calls_log_in_once(place: Place):
    for _call in range(10):
        place.look()

    assert place.relay.opened == 1


def test_nobody_gets_a_connection_made_for_another_or_with_another_password(place: Place):
    place.look()
    place.look(CHARLIE)
    assert place.relay.opened == 2

    with pytest.raises(AuthFailed):
        place.look(password="wrong")
    with pytest.raises(Invalid):
        place.look(networks=())
    assert place.relay.opened == 3, "who has the wrong password was not asked to log in, or the guard was not asked"


def test_who_proves_the_password_logs_in_anew(place: Place):
    place.look()
    place.look(None)
    place.look(None)

    assert place.relay.opened == 3


@pytest.mark.parametrize("noticed", [True, False], ids=["its end is seen", "its end got lost"])
def test_a_server_restarted_between_two_calls_costs_a_search_no_attempt(
    place: Place, monkeypatch: pytest.MonkeyPatch, noticed: bool
):
    place.look()
    if not noticed:
        monkeypatch.setattr("ipservices.drivers.mail_ldap.directory._shelf._is_sound", lambda _connection: True)
    place.relay.cut()

    assert place.look() == 0
    assert place.relay.opened == 2


def test_a_change_whose_answer_was_lost_is_unknown_and_not_sent_again(place: Place):
    place.look()
    place.relay.cut_at = b"kept@kept.example"
    with closing(place.directory()) as directory, pytest.raises(Unreachable) as lost:
        directory.add(DN, ENTRY)

    assert lost.value.outcome_unknown
    assert place.relay.opened == 1
    assert place.look() in (0, 1)
    with closing(place.directory()) as directory:
        assert directory.add(DN, ENTRY) in (True, False)  # what was broken off is not left behind for the next call
    assert place.look() == 1
