"""Mail servers beyond the kit: the hosted instance, and what only these servers promise."""

from __future__ import annotations

import imaplib
import smtplib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ipservices.conformance import CHECKS, Check
from ipservices.contracts import Connection, Desired, Invalid, Restriction
from ipservices.drivers.mail_postfix_dovecot.driver import PostfixDovecotDriver
from ipservices.drivers.mail_postfix_dovecot.lab.bench import SqlMailBench, benches
from ipservices.labs import HOST
from ipservices.mailing.driver import Counted, Counters
from tests import cast as the_cast
from tests.labs import Labs

pytestmark = pytest.mark.lab

PATIENCE_SECONDS = 10.0


@pytest.fixture(scope="module")
def hosted_bench(kit: the_cast.Cast, labs: Labs) -> SqlMailBench:
    """A second server of the same make, with another database and another domain."""
    lab = labs.of("mail_postfix_dovecot", "hosted")
    [found] = benches(lab, kit.alpha.pk, "kit-hosted.example")
    [own] = benches(labs.of("mail_postfix_dovecot"), kit.alpha.pk, "kit-hosted.example", "-beside")
    found.beside = lambda: own
    return found


@pytest.fixture
def hosted(hosted_bench: SqlMailBench) -> SqlMailBench:
    hosted_bench.reset()
    return hosted_bench


def establish(bench: SqlMailBench, desired: Desired) -> None:
    with bench.driver() as driver:
        driver.establish(desired, key="test")


def subjects(bench: SqlMailBench, address: str, password: str) -> list[str]:
    client = imaplib.IMAP4(HOST, bench.lab.ports["imap"], timeout=10)
    client.login(address, password)
    client.select()
    found = client.search(None, "ALL")[1][0].split()
    heads = [client.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0] for number in found]
    client.logout()
    return [head[1].decode().partition(":")[2].strip() for head in heads if isinstance(head, tuple)]


def deliver(bench: SqlMailBench, to: str, sender: str = "friend@elsewhere.example") -> None:
    with smtplib.SMTP(HOST, bench.lab.ports["smtp"], timeout=10) as client:
        client.sendmail(sender, [to], f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: Hello\r\n\r\nHello.\r\n")


def eventually(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: f"mail_postfix_dovecot (hosted)-mail.mailbox-{check.key}")
def test_a_hosted_server_keeps_what_every_driver_promises(hosted: SqlMailBench, check: Check) -> None:
    assert check.applies_to(hosted)
    check.run(hosted)


def test_an_automatic_reply_goes_to_who_has_written_and_stops_when_the_mailbox_is_suspended(
    hosted: SqlMailBench,
) -> None:
    away = hosted.desired()
    away = replace(away, attributes={**away.attributes, "autoreply": {"text": 'I am "away".\nBack soon.'}})
    establish(hosted, away)
    with hosted.driver() as driver:
        assert isinstance(driver, PostfixDovecotDriver)
        driver.health()
        friend, password = driver.canary()

    deliver(hosted, away.name, friend)
    eventually(lambda: "Auto: Hello" in subjects(hosted, friend, password))

    over = {"text": "I was away.", "to": "2001-01-01"}
    establish(hosted, replace(away, attributes={**away.attributes, "autoreply": over}))
    establish(hosted, replace(away, restriction=Restriction.BLOCKED))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        deliver(hosted, away.name, friend)
    assert subjects(hosted, friend, password).count("Auto: Hello") == 1


def test_a_daily_limit_stops_what_goes_beyond_it(hosted: SqlMailBench) -> None:
    wanted = hosted.desired()
    wanted = replace(wanted, attributes={**wanted.attributes, "daily_send_limit": 2})
    establish(hosted, wanted)

    with smtplib.SMTP(HOST, hosted.lab.ports["submission"], timeout=10) as client:
        client.login(wanted.name, wanted.secrets["password"])
        for _number in range(2):
            client.sendmail(wanted.name, [wanted.name], "Subject: Within\r\n\r\nx\r\n")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail(wanted.name, [wanted.name], "Subject: Beyond\r\n\r\nx\r\n")

    assert refused.value.smtp_code == 450
    eventually(lambda: subjects(hosted, wanted.name, wanted.secrets["password"]).count("Within") == 2)
    assert "Beyond" not in subjects(hosted, wanted.name, wanted.secrets["password"])


def test_a_later_owner_of_an_address_never_sees_the_former_ones_mail(hosted: SqlMailBench) -> None:
    wanted = hosted.desired()
    establish(hosted, wanted)
    deliver(hosted, wanted.name)
    eventually(lambda: "Hello" in subjects(hosted, wanted.name, wanted.secrets["password"]))
    with hosted.driver() as driver:
        driver.take_away(wanted, key="test")

    later = replace(wanted, service_ref="svc-later00000001")
    establish(hosted, later)
    assert subjects(hosted, later.name, later.secrets["password"]) == []

    with hosted.driver() as driver:
        driver.take_away(later, key="test")
    establish(hosted, wanted)
    assert "Hello" in subjects(hosted, wanted.name, wanted.secrets["password"])


def test_removed_mail_is_kept_for_the_grace_period_and_then_deleted(hosted: SqlMailBench) -> None:
    wanted = hosted.desired()
    establish(hosted, wanted)
    deliver(hosted, wanted.name)
    eventually(lambda: "Hello" in subjects(hosted, wanted.name, wanted.secrets["password"]))
    place = hosted.lab.dovecot_home / "mail" / wanted.name.partition("@")[2] / "boss-trial" / wanted.service_ref
    letters = lambda: [path for path in place.rglob("*") if path.is_file() and path.parent.name in ("cur", "new")]  # noqa: E731
    with hosted.driver() as driver:
        driver.take_away(wanted, key="test")
        driver.purge()
    assert letters()

    with hosted.lab.sql.connect(hosted.lab.database) as connection:
        connection.execute("UPDATE mailbox_gone SET removed_at = now() - interval '31 days'")
    with hosted.driver() as driver:
        assert driver.purge() >= 1
        assert driver.purge() == 0
    assert letters() == []


def test_a_new_password_ends_the_sessions_of_the_old_one(hosted: SqlMailBench) -> None:
    wanted = hosted.desired()
    establish(hosted, wanted)
    assert hosted.connect(wanted)

    establish(hosted, replace(wanted, secrets={"password": "quite-another-one"}))

    eventually(lambda: hosted.sessions(wanted) == 0)
    assert not hosted.works(wanted)
    assert hosted.works(replace(wanted, secrets={"password": "quite-another-one"}))


@pytest.mark.parametrize(
    ("field", "attributes"),
    [
        ("quota_mb", {"quota_mb": 0}),
        ("aliases", {"aliases": ["somebody@elsewhere.example"]}),
        ("aliases", {"aliases": ["'; DROP TABLE mailbox; --@kit-hosted.example"]}),
        ("forward", {"forward": ["boss-trial@kit-hosted.example"]}),
        ("autoreply", {"autoreply": {"text": ""}}),
        ("daily_send_limit", {"daily_send_limit": -1}),
        ("colour", {"colour": "blue"}),
    ],
)
def test_what_a_mailbox_cannot_have_is_refused_by_field(
    hosted: SqlMailBench, field: str, attributes: dict[str, object]
) -> None:
    wanted = hosted.desired()
    with hosted.driver() as driver, pytest.raises(Invalid) as refused:
        driver.validate(replace(wanted, attributes={**wanted.attributes, **attributes}))
    assert list(refused.value.fields or {}) == [field]


def messages_in(hosted: SqlMailBench, wanted: Desired, cursor: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """How many messages came in for a mailbox since the cursor, and the new cursor."""
    with hosted.driver() as driver:
        reading = driver.usage(cursor)
    mine = [one for one in reading.samples if (one.service_ref, one.metric) == (wanted.service_ref, "messages_in")]
    return sum(one.amount for one in mine), dict(reading.cursor)


def test_a_cursor_from_before_there_were_marks_is_read_on_and_nothing_counts_twice(hosted: SqlMailBench) -> None:
    wanted = hosted.desired()
    establish(hosted, wanted)
    hosted.use(wanted)
    _amount, marked = messages_in(hosted, wanted, {})
    mark = marked["dovecot"]
    old = {place: counted for place, counted in marked.items() if place != "dovecot"}

    assert messages_in(hosted, wanted, old) == (0, {**old, "dovecot": mark})
    deliver(hosted, wanted.name)
    eventually(lambda: messages_in(hosted, wanted, old)[0] == 1)
    assert messages_in(hosted, wanted, {**old, "dovecot": mark})[0] == 1


class Told(PostfixDovecotDriver):
    """A driver that is told what its server has counted."""

    told = Counted({})

    def counters(self) -> Counted:
        return self.told


@pytest.mark.parametrize(
    ("mark", "marks", "now", "moved", "kept"),
    [
        ("a", {"a"}, 7, 2, "a"),
        ("a", {"a", "b"}, 7, 2, "a"),
        ("a", {"b"}, 7, 7, "b"),
        ("a", {"b"}, 5, 5, "b"),
        ("a", {"b"}, 0, 0, "b"),
        ("", {"b"}, 7, 2, "b"),
        ("", {"b"}, 3, 3, "b"),
        ("a", set(), 7, 2, None),
        ("a", set(), 3, 3, None),
    ],
)
def test_counters_begin_anew_when_their_mark_is_gone(
    mark: str, marks: set[str], now: int, moved: int, kept: str | None
) -> None:
    settings = {"domains": "alpha.example", "mail_host": HOST, "sql_url": "postgresql://nobody@127.0.0.1/none"}
    metrics = {"messages_in": now, "messages_out": 9, "storage_octets": 0}
    with Told(Connection(0, 0, settings, {}, 5.0)) as driver:
        driver.told = Counted({"svc-1 a@b": Counters("svc-1", metrics)}, frozenset(marks))
        before = {"messages_in": 5, "messages_out": 9, "storage_octets": 0}
        reading = driver.usage({"svc-1 a@b": before, **({"dovecot": mark} if mark else {})})

    assert {one.metric: one.amount for one in reading.samples} == ({"messages_in": moved} if moved else {})
    assert reading.cursor == {"svc-1 a@b": metrics, **({"dovecot": kept} if kept else {})}
