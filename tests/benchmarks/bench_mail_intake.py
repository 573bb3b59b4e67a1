"""Inbound mail through the whole pipeline: LMTP door, kept, a worker reads, matches and puts it on a ticket.

``BOSS_TEST_DURABLE=1 python3 manage.py test tests/benchmarks/bench_mail_intake.py -n 0 -s``; ``BOSS_BENCH_MAILS`` says
how many. Half open tickets, half answer to one. Beside it, in the same run and from the same clients, a bare LMTP
server that commits each mail's bytes as one durable row and does nothing else.
"""

from __future__ import annotations

import asyncio
import os
import smtplib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.lmtp import LMTP

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses
from boss.platform.testing.processes import WorkerProcess
from ipservices import labs
from tests.benchmarks.frame import measure
from tests.mail.conftest import make_post
from ticketing import lmtp
from ticketing.mail import tokens
from ticketing.models import InboundMail, Message, Participant
from ticketing.services.mail import keys

MAILS = int(os.environ.get("BOSS_BENCH_MAILS", "400"))
CLIENTS = 4
PATIENCE_SECONDS = 600
HELP = "help@alpha.example"


def _mail(n: int, kind: str) -> bytes:
    return (
        (
            f"Authentication-Results: mx.alpha.example; dmarc=pass\nFrom: Sender {n} <s{n}@home.example>\n"
            f"To: {HELP}\nSubject: Matter {n}\nMessage-ID: <{n}.{kind}@home.example>\n"
            f"Content-Type: text/plain; charset=utf-8\n\n{'Words of a customer. ' * 40}{kind} {n}\n"
        )
        .replace("\n", "\r\n")
        .encode()
    )


class BareHandler:
    """One durable row a mail, over one kept connection for each thread."""

    def __init__(self, dsn: str) -> None:
        self.dsn, self.own = dsn, threading.local()

    async def handle_DATA(self, server, session, envelope) -> str:
        await asyncio.get_running_loop().run_in_executor(None, self._keep, envelope.content)
        return "\r\n".join("250 Kept" for _ in envelope.rcpt_tos)

    def _keep(self, content: bytes) -> None:
        if not hasattr(self.own, "connection"):
            self.own.connection = psycopg.connect(self.dsn, autocommit=True)
        self.own.connection.execute("INSERT INTO bench_mail (content) VALUES (%s)", (content,))


class BareServer(Controller):
    def factory(self) -> LMTP:
        return LMTP(self.handler, decode_data=False, hostname="bare")


def deliver(port: int, mails: Sequence[tuple[bytes, str]]) -> None:
    """What a mail server does: several connections at once, several mails over each."""

    def some(part: Sequence[tuple[bytes, str]]) -> None:
        with smtplib.LMTP("127.0.0.1", port) as client:
            for raw, recipient in part:
                client.sendmail("sender@home.example", [recipient], raw)

    with ThreadPoolExecutor(CLIENTS) as crew:
        list(crew.map(some, [mails[n::CLIENTS] for n in range(CLIENTS)]))


def bare(database: str, mails: Sequence[tuple[bytes, str]]) -> float:
    """Mails a second that are only written down."""
    dsn = psycopg.conninfo.make_conninfo(addresses.admin_dsn(), dbname=database)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_mail (id bigserial PRIMARY KEY, content bytea)")
        row = connection.execute("SHOW fsync").fetchone()
    if row is None or row[0] != "on":
        pytest.fail("Durable commits can only be measured on a durable Postgres: set BOSS_TEST_DURABLE=1.")
    server = BareServer(BareHandler(dsn), hostname="127.0.0.1", port=labs.free_port())
    server.start()
    try:
        began = time.perf_counter()
        deliver(server.port, mails)
        return len(mails) / (time.perf_counter() - began)
    finally:
        server.stop()


@pytest.fixture
def door(real_db: str, cast, workers, tmp_path, monkeypatch) -> Iterator[int]:
    """The door in this process and one worker with two processes; its port."""
    monkeypatch.setenv("BOSS_MAIL_AUTHSERV_ID", "mx.alpha.example")
    with scoping.realm_transaction(cast.alpha.pk):
        make_post(Actor.system(cast.alpha.pk))
    worker = WorkerProcess(tmp_path, concurrency=2)
    worker.child.argv = [*worker.child.argv, "--loglevel", "WARNING"]
    workers.running.append(worker)
    worker.start()
    worker.wait()
    server = lmtp.server("127.0.0.1", labs.free_port())
    server.start()
    yield server.port
    server.stop()


def through(port: int, realm_id: int, mails: Sequence[tuple[bytes, str]], *, wanted: int) -> tuple[float, float]:
    """Seconds until all were taken, and until ``wanted`` were applied."""
    began = time.perf_counter()
    deliver(port, mails)
    taken = time.perf_counter() - began
    while True:
        with scoping.realm_transaction(realm_id):
            states = list(InboundMail.objects.values_list("state", flat=True))
        if states.count("applied") == wanted:
            return taken, time.perf_counter() - began
        assert set(states) <= {"applied", "received"}, states
        assert time.perf_counter() - began < PATIENCE_SECONDS, states.count("received")
        time.sleep(0.05)


def _answers(realm_id: int) -> list[tuple[bytes, str]]:
    with scoping.realm_transaction(realm_id):
        ring = keys.keyring()
        return [
            (
                _mail(int(each.email[1:].partition("@")[0]), "answer"),
                tokens.reply_address(ring, HELP, ticket=each.ticket.public_id, participant=each.public_id),
            )
            for each in Participant.objects.select_related("ticket")
        ]


def test_inbound_mails_per_second(real_db, cast, door):
    half = MAILS // 2
    first = [(_mail(n, "new"), HELP) for n in range(half)]
    kept_bare = bare(real_db, first)

    taken, opened = through(door, cast.alpha.pk, first, wanted=half)
    _taken, answered = through(door, cast.alpha.pk, _answers(cast.alpha.pk), wanted=2 * half)

    with scoping.realm_transaction(cast.alpha.pk):
        assert InboundMail.objects.filter(rule="M1").count() == half
        assert Message.objects.filter(channel="mail").count() == 2 * half
    baseline = f"bare LMTP with a durable row each: {kept_bare:.0f}/s"
    measure("mail_intake.taken", half / taken, "mails/s", baseline, half / taken / kept_bare)
    measure("mail_intake.opening", half / opened, "mails/s", baseline, half / opened / kept_bare)
    measure("mail_intake.answering", half / answered, "mails/s", baseline, half / answered / kept_bare)
    whole = 2 * half / (opened + answered)
    measure("mail_intake.whole", whole, "mails/s", baseline, whole / kept_bare)
