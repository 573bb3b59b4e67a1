"""Connections to servers are kept from one call to the next: only the very same, only sound ones, and no harm done."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from boss.core import kept
from ipservices.contracts import AuthFailed, Deadline, Invalid, Transient, Unreachable
from ipservices.sql import SqlTransport
from ipservices.transport import HttpTransport
from tests.ipservices.relay import Relay
from tests.labs import Labs

ALICE, CHARLIE = (1, 7), (2, 9)
"""Realm and binding: Alpha's, and Beta's."""
LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    kept.clear()
    yield
    kept.clear()


# PostgreSQL


@dataclass
class Database:
    relay: Relay
    given: dict[str, Any]
    password: str

    def transport(
        self, owner: tuple[int, int] = ALICE, *, password: str = "", networks: tuple[str, ...] = LOOPBACK
    ) -> SqlTransport:
        return SqlTransport(
            self.given, password or self.password, deadline=Deadline(8), networks=networks, note=lambda *_: None,
            owner=owner,
        )  # fmt: skip

    def backend(self, owner: tuple[int, int] = ALICE, **other: Any) -> int:
        """One call, as a driver makes it; the server's process that answered."""
        with closing(self.transport(owner, **other)) as transport:
            [row] = transport.read("SELECT pg_backend_pid() AS pid")
        return int(row["pid"])


@pytest.fixture
def database(labs: Labs) -> Iterator[Database]:
    sql = labs.sql
    sql.create_database("boss_kept")
    with sql.connect("boss_kept", autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS thing")
        connection.execute("CREATE TABLE thing (name text)")
        connection.execute("DO $$ BEGIN CREATE ROLE boss_kept LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        connection.execute("ALTER ROLE boss_kept PASSWORD 'first word'")
        connection.execute("GRANT ALL ON thing TO boss_kept")
    relay = Relay((sql.host, sql.port))
    given = {
        "sql_host": "127.0.0.1", "sql_port": relay.port, "sql_database": "boss_kept", "sql_user": "boss_kept",
        "sql_tls": "disable",
    }  # fmt: skip
    yield Database(relay, given, "first word")
    relay.close()


def things(labs: Labs) -> list[str]:
    with labs.sql.connect("boss_kept", autocommit=True) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM thing ORDER BY name")]


def write(transport: SqlTransport, name: str) -> None:
    with transport.transaction() as cursor:
        transport.run(cursor, "INSERT INTO thing VALUES (%(name)s)", {"name": name})


def test_the_next_call_finds_the_connection_of_the_last_one(database: Database):
    first = database.backend()

    assert database.backend() == first
    assert database.relay.opened == 1


def test_nobody_gets_a_connection_made_for_another_realm_or_binding(database: Database):
    first = database.backend(ALICE)

    assert database.backend(CHARLIE) != first


def test_two_calls_at_once_have_a_connection_each(database: Database):
    with closing(database.transport()) as one, closing(database.transport()) as other:
        pids = {transport.read("SELECT pg_backend_pid() AS pid")[0]["pid"] for transport in (one, other)}

    assert len(pids) == 2


def test_a_changed_password_opens_a_new_connection_and_a_wrong_one_gets_none(database: Database, labs: Labs):
    first = database.backend()
    with labs.sql.connect("boss_kept", autocommit=True) as connection:
        connection.execute("ALTER ROLE boss_kept PASSWORD 'second word'")

    assert database.backend(password="second word") != first
    with pytest.raises(AuthFailed):
        database.backend(password="third word")


def test_a_network_the_operator_took_away_is_not_reached_over_a_kept_connection(database: Database):
    database.backend()

    with pytest.raises(Invalid):
        database.backend(networks=())
    assert database.relay.opened == 1


def test_a_server_restarted_between_two_calls_costs_no_attempt(database: Database, labs: Labs):
    for ask in (lambda: database.backend(), lambda: write(database.transport(), "kept")):
        database.backend()
        database.relay.cut()
        ask()

    assert things(labs) == ["kept"]


def test_a_connection_that_dies_unnoticed_is_opened_anew_before_anything_was_asked(
    database: Database, labs: Labs, monkeypatch: pytest.MonkeyPatch
):
    """The look at a waiting connection sees nothing of a server whose good-bye got lost."""
    for ask in (lambda: database.backend(), lambda: write(database.transport(), "kept")):
        database.backend()
        monkeypatch.setattr("boss.core.outbound_sql._shelf._is_sound", lambda _connection: True)
        database.relay.cut()
        ask()

    assert things(labs) == ["kept"]


def test_a_connection_lost_in_the_middle_of_a_commit_is_unknown_and_not_tried_again(database: Database, labs: Labs):
    database.backend()
    with closing(database.transport()) as transport:
        database.relay.cut_at = b"COMMIT"
        with pytest.raises(Unreachable) as lost:
            write(transport, "once")

    assert lost.value.outcome_unknown
    assert database.relay.opened == 1
    assert things(labs) in ([], ["once"])


def test_a_connection_lost_before_the_commit_has_changed_nothing(database: Database, labs: Labs):
    database.backend()
    with closing(database.transport()) as transport:
        database.relay.cut_at = b"INSERT"
        with pytest.raises(Unreachable) as lost:
            write(transport, "never")

    assert not lost.value.outcome_unknown
    assert things(labs) == []


def test_what_a_refused_change_began_is_not_carried_into_the_next_call(database: Database, labs: Labs):
    class Refused(Exception):
        pass

    first = database.backend()
    with closing(database.transport()) as transport, pytest.raises(Refused), transport.transaction() as cursor:
        transport.run(cursor, "INSERT INTO thing VALUES ('half')")
        raise Refused
    assert database.backend() == first

    write(database.transport(), "whole")
    assert things(labs) == ["whole"]


def test_a_statement_ends_with_the_deadline_on_a_kept_connection_too(database: Database):
    database.backend()
    with closing(database.transport()) as transport:
        transport._deadline = Deadline(8)
        transport._deadline._ends -= 7.5
        with pytest.raises(Transient), transport.transaction() as cursor:
            transport.run(cursor, "SELECT pg_sleep(5)")


def test_a_connection_serves_only_so_long(database: Database, monkeypatch: pytest.MonkeyPatch):
    first = database.backend()
    monkeypatch.setattr(kept, "LONGEST_SECONDS", -1.0)

    assert database.backend() != first


def test_a_process_of_its_own_inherits_no_connection(database: Database):
    """A worker's children are forked: two of them on one socket would read each other's answers."""
    first = database.backend()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, str(database.backend()).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)

    assert int(os.read(reader, 20)) != first
    assert database.backend() == first


def shelf(closed: list[str]) -> kept.Shelf[str]:
    return kept.Shelf(close=closed.append, is_sound=lambda _connection: True)


def test_what_nobody_took_for_long_is_closed(monkeypatch: pytest.MonkeyPatch):
    closed: list[str] = []
    lying = shelf(closed)
    lying.lay_back(kept.Kept.new("old", "a"))
    monkeypatch.setattr(kept, "IDLE_SECONDS", -1.0)

    assert lying.take("another") is None
    assert closed == ["old"]


def test_only_so_many_lie_unused_and_the_oldest_goes_first():
    closed: list[str] = []
    lying = shelf(closed)
    for number in range(kept.MOST_ALIKE + 1):
        lying.lay_back(kept.Kept.new(f"alike {number}", "a"))
    for number in range(kept.MOST):
        lying.lay_back(kept.Kept.new(f"other {number}", f"key {number}"))

    assert closed == [f"alike {number}" for number in range(kept.MOST_ALIKE + 1)]
    assert lying.take("key 0") is not None


# HTTP


class Web:
    """A server that keeps connections open; how many there were, and what it was asked over each."""

    def __init__(self, behave: Callable[[BaseHTTPRequestHandler], None] | None = None) -> None:
        self.asked: list[tuple[int, str]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                web.asked.append((self.client_address[1], f"{self.command} {self.headers.get('X-API-Key')}"))
                if behave is not None:
                    behave(self)
                    return
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = answer

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def connections(self) -> int:
        return len({port for port, _asked in self.asked})

    def ask(self, method: str = "GET", *, owner: tuple[int, int] = ALICE, key: str = "k",
            networks: tuple[str, ...] = LOOPBACK) -> int:  # fmt: skip
        transport = HttpTransport(
            f"http://127.0.0.1:{self.server.server_port}", headers={"X-API-Key": key}, deadline=Deadline(5),
            networks=networks, note=lambda *_: None, owner=owner,
        )  # fmt: skip
        with closing(transport):
            return transport.request(method, "/thing", {} if method == "POST" else None).status


@contextmanager
def web(behave: Callable[[BaseHTTPRequestHandler], None] | None = None) -> Iterator[Web]:
    made = Web(behave)
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def test_a_web_server_is_asked_over_the_connection_of_the_last_call():
    with web() as server:
        assert [server.ask("POST"), server.ask(), server.ask("POST")] == [200, 200, 200]
        assert server.connections == 1


def test_another_key_realm_or_network_opens_a_connection_of_its_own():
    with web() as server:
        server.ask()
        server.ask(key="another")
        server.ask(owner=CHARLIE)
        assert server.connections == 3
        with pytest.raises(Invalid):
            server.ask(networks=())
        assert len(server.asked) == 3


def test_a_web_server_that_closed_the_waiting_connection_is_asked_over_a_new_one():
    has_hung_up = threading.Event()

    def hang_up_later(handler: BaseHTTPRequestHandler) -> None:
        """Answers, says nothing of closing, and closes."""
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
        has_hung_up.set()

    def ask(server: Any, method: str) -> int:
        status: int = server.ask(method)
        assert has_hung_up.wait(5)  # what is sent before that is lost, and truly unknown
        has_hung_up.clear()
        return status

    with web(hang_up_later) as server:
        assert [ask(server, "POST"), ask(server, "POST"), ask(server, "GET")] == [200, 200, 200]
        assert server.connections == 3


def test_a_change_sent_over_a_connection_that_breaks_is_unknown_and_a_question_is_asked_again():
    second = threading.Event()

    def break_off_at_the_second(handler: BaseHTTPRequestHandler) -> None:
        if second.is_set():
            second.clear()
            handler.close_connection = True
            return
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with web(break_off_at_the_second) as server:
        server.ask()
        second.set()
        assert server.ask() == 200  # asked again over a new connection

        second.set()
        with pytest.raises(Unreachable) as lost:
            server.ask("POST")
        assert lost.value.outcome_unknown
        assert [asked for _port, asked in server.asked] == ["GET k", "GET k", "GET k", "POST k"]
