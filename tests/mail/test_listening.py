"""A real Dovecot tells of new mail and BOSS fetches it at once; whatever ends the listening loses no mail."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from boss.core import scoping
from tests.mail.test_imap import OLD_BOX, Box, box, raw, reload  # noqa: F401 - a fixture
from ticketing import listening as door
from ticketing.models import MailSource
from ticketing.services.mail import fetching, listening
from ticketing.services.mail.listening import End

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every ring for the mailbox; a worker answers it at once."""
    heard: list[int] = []

    def ring(realm_id: int, source_id: int) -> None:
        heard.append(source_id)
        fetching.fetch(realm_id, source_id)

    monkeypatch.setattr("ticketing.services.mail.bell.ring_for_source", ring)
    return heard


@pytest.fixture
def listeners(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., door.Listeners]]:
    """``listeners(most=…)``: another process that listens, ended with the test."""
    monkeypatch.setattr(door, "SHORT_PAUSE", 0.1)
    made: list[door.Listeners] = []

    def start(most: int = 10) -> door.Listeners:
        made.append(door.Listeners(most))
        made[-1].tick()
        return made[-1]

    yield start
    before = {thread for thread in threading.enumerate() if thread.name.startswith("mailbox-")}
    for each in made:
        each.end()
    for thread in before:
        thread.join(10)
        assert not thread.is_alive(), "told to stop, it stops"


def until(holds: Callable[[], Any], seconds: float = 15.0) -> float:
    """How long it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


def set_row(box: Box, **values: Any) -> None:  # noqa: F811
    with scoping.realm_transaction(box.realm_id):
        MailSource.objects.update(**values)


def doveadm(box: Box, *words: str) -> None:  # noqa: F811
    program = shutil.which("doveadm")
    assert program
    conf = box.lab.dovecot_home / "dovecot.conf"
    subprocess.run([program, "-c", str(conf), *words], check=True, capture_output=True)


def test_a_mail_is_here_when_it_comes_and_not_at_the_next_look(box: Box, rings, listeners) -> None:  # noqa: F811
    box.define(every_seconds=3600)
    box.fetch()
    listeners()
    until(lambda: box.source().tells and rings)
    box.holds(raw(1))
    took = until(lambda: box.kept() == ["1"])
    assert took < 5, "within seconds"
    box.holds(raw(2))
    box.holds(raw(3))
    until(lambda: box.kept() == ["1", "2", "3"])
    assert box.count("UNSEEN") == 0


def test_a_line_that_is_cut_is_taken_up_again_and_what_came_meanwhile_is_fetched(
    box: Box,  # noqa: F811
    rings,
    listeners,
) -> None:
    box.define(every_seconds=3600)
    box.fetch()
    listeners()
    box.holds(raw(1))
    until(lambda: box.kept() == ["1"] and box.count("UNSEEN") == 0)  # it waits again
    doveadm(box, "kick", OLD_BOX)
    box.holds(raw(2))
    until(lambda: box.kept() == ["1", "2"])
    box.holds(raw(3))
    until(lambda: box.kept() == ["1", "2", "3"])
    log = (box.lab.dovecot_home / "dovecot.log").read_text()
    said = ("kicked by", "closed by administrator", "Server shutting down")
    assert any(words in log for words in said), log[-900:]


def test_a_server_that_cannot_tell_is_polled_as_before(box: Box, rings) -> None:  # noqa: F811
    conf = box.lab.dovecot_home / "dovecot.conf"
    plain = conf.read_text()
    conf.write_text(plain + "\nimap_capability = IMAP4rev1\n")
    try:
        reload(conf)
        source = box.define()
        until(lambda: "IDLE" not in str(box.opened().capability()))
        assert listening.listen(box.realm_id, source.pk, threading.Event()) is End.CANNOT
        assert box.source().tells is False and rings == []
        box.holds(raw(1))
        assert box.fetch() == 1
    finally:
        conf.write_text(plain)
        reload(conf)


def test_a_mailbox_that_cannot_be_fetched_is_not_signed_in_to_once_more(box: Box, rings) -> None:  # noqa: F811
    source = box.define(password="wrong")
    assert listening.listen(box.realm_id, source.pk, threading.Event()) is End.REFUSED
    box.fetch()
    log = box.lab.dovecot_home / "dovecot.log"
    before = log.read_text().count("auth failed")
    assert listening.listen(box.realm_id, source.pk, threading.Event()) is End.REFUSED
    assert log.read_text().count("auth failed") == before and rings == []


def test_one_process_listens_until_it_dies_or_the_mailbox_is_changed(
    box: Box,  # noqa: F811
    listeners,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stops: list[threading.Event] = []

    def listen(realm_id: int, source_id: int, stop: threading.Event) -> End:
        connections.close_all()
        stops.append(stop)
        stop.wait(60)
        return End.TOLD_TO

    monkeypatch.setattr(listening, "listen", listen)
    box.define()
    first, second = listeners(), listeners()
    until(lambda: stops)
    assert box.source().listener == first.me and len(stops) == 1

    box.define(folder="INBOX", every_seconds=30)  # whatever was changed: its listener begins anew
    first.tick()
    until(lambda: len(stops) == 2)
    assert stops[0].is_set() and not stops[1].is_set()

    set_row(box, listened_until="2026-01-01T00:00:00Z")  # as after a kill
    second.tick()
    until(lambda: len(stops) == 3)
    first.tick()
    assert stops[1].is_set() and box.source().listener == second.me

    box.define(is_active=False)
    second.tick()
    assert stops[2].is_set() and box.source().listener is None
    box.define()
    full = listeners(most=0)
    assert box.source().listener is None and full.most == 0
    second.tick()
    second.end()
    assert stops[-1].is_set() and box.source().listened_until is None, "another process may have it at once"
