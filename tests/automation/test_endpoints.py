"""Endpoints against real servers: rules hold, credentials are added here and shown nowhere, nothing happens twice."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from boss.automation.choices import CallState
from boss.automation.errors import CallNotAllowed
from boss.automation.models import Endpoint, EndpointCall
from boss.automation.services import calls, endpoints
from boss.core import scoping
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from tests.automation.conftest import told
from ticketing.models import Ticket
from ticketing.services import categories
from workflow.models import TaskRun
from workflow.services import runs

MARKER = "planted-credential-8c1f"


# HTTP


class Nms(BaseHTTPRequestHandler):
    """A management system that keeps ports and counts what it did."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]]
    fail_with = 0

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "null")
        type(self).seen.append({
            "method": self.command, "path": self.path, "body": body, "key": self.headers.get("Idempotency-Key"),
            "auth": self.headers.get("Authorization"),
        })  # fmt: skip
        status, answer = (type(self).fail_with or 200), {"id": "port-7", "vlan": 12, "echo": body}
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def nms() -> Iterator[tuple[str, type[Nms]]]:
    handler = type("Nms", (Nms,), {"seen": [], "fail_with": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


@pytest.fixture
def at_nms(nms, endpoint) -> Endpoint:
    return endpoint(
        "http", "nms", settings={"url": nms[0], "rules": "GET /v1/\nPOST,DELETE /v1/ports", "auth": "bearer"},
        secrets={"secret": MARKER},
    )  # fmt: skip


def test_a_script_asks_by_name_and_never_sees_the_credential(at_nms, nms, scripted):
    run = scripted(
        "def run(inputs, boss):\n"
        "    made = boss.call('nms', method='POST', path='/v1/ports', json={'vlan': inputs['vlan']})\n"
        "    print(made, boss.__dict__)\n    return {'id': made['json']['id']}\n"
        "def undo(inputs, outputs, boss):\n    boss.call('nms', method='DELETE', path='/v1/ports/' + outputs['id'])\n",
        {"endpoints": ["nms"]}, vlan=12,
    )  # fmt: skip

    assert run.state == "completed", told(run)
    seen = nms[1].seen
    assert [(one["method"], one["path"], one["body"]) for one in seen] == [("POST", "/v1/ports", {"vlan": 12})]
    assert seen[0]["auth"] == f"Bearer {MARKER}" and seen[0]["key"]
    assert MARKER not in told(run)


@pytest.mark.asvs("1.3.6")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/ports/1"), ("POST", "/v1/users"), ("POST", "/v1/portscan"), ("GET", "/admin"),
        ("GET", "/v1/../admin"), ("GET", "/v1/%2e%2e/admin"), ("GET", "/v1//admin"), ("GET", "/v1/..%2fadmin"),
        ("GET", "//169.254.169.254/"), ("GET", "http://169.254.169.254/"), ("GET", "/v1/a\r\nX: y"), ("GET", "/v1/./x"),
        ("GET", "/v1/a\\..\\b"), ("GET", "/v1/%252e%252e/"),
    ],
)  # fmt: skip
def test_beyond_its_rules_nothing_is_sent(at_nms, nms, alpha, method, path):
    with pytest.raises(CallNotAllowed):
        calls.make(realm_id=alpha.pk, endpoint_key="nms", request={"method": method, "path": path}, key="k", by="test")
    assert nms[1].seen == []


def test_http_as_a_task_of_its_own_with_its_undo(at_nms, nms, perform, system, alpha):
    task = {
        "key": "port", "title": "Port", "handler": "http.call",
        "with": {"endpoint": "nms", "method": "POST", "path": "/v1/ports", "vlan": 12,
                 "undo_path": "/v1/ports/port-7"},
        "outputs": [{"key": "id", "type": "text", "required": True}],
    }  # fmt: skip
    hold = {"key": "hold", "title": "Hold", "kind": "wait", "signal": "go", "deadline_seconds": 86400,
            "on_deadline": "fail", "after": ["port"]}  # fmt: skip
    from tests.workflow.driving import drive
    from workflow.services import definitions

    definitions.publish(actor=system, document={"key": "http", "title": "HTTP", "tasks": [task, hold]})
    run = runs.start(actor=system, definition_key="http", subject=("tests.order", 7), inputs={})
    drive(alpha.pk, hurry=False)
    run.refresh_from_db()
    assert run.outputs["port"]["id"] == "port-7" and run.outputs["port"]["status"] == 200

    runs.reverse(actor=system, run=run, reason="no")
    drive(alpha.pk, hurry=False)
    run.refresh_from_db()
    assert run.state == "reversed"
    assert [(one["method"], one["path"]) for one in nms[1].seen] == [
        ("POST", "/v1/ports"),
        ("DELETE", "/v1/ports/port-7"),
    ]
    assert list(EndpointCall.objects.order_by("id").values_list("state", "sentence")) == [
        ("done", "POST /v1/ports"), ("done", "DELETE /v1/ports/port-7"),
    ]  # fmt: skip


def test_what_may_have_been_done_is_not_asked_for_twice(at_nms, nms, perform):
    """A POST answered 500: nobody knows, it does not honour keys, so a person looks. One that reads is asked again."""
    nms[1].fail_with = 500
    post = {"key": "port", "title": "Port", "handler": "http.call", "undo": "none",
            "with": {"endpoint": "nms", "method": "POST", "path": "/v1/ports"},
            "retry": {"attempts": 3, "backoff_seconds": 1}}  # fmt: skip
    run = perform(post)
    assert TaskRun.objects.get(run=run).state == "attention" and len(nms[1].seen) == 1
    assert "not known" in told(run) and EndpointCall.objects.get().state == CallState.UNKNOWN

    get = {**post, "with": {"endpoint": "nms", "method": "GET", "path": "/v1/ports"}}
    perform(get, key="reading")
    assert len(nms[1].seen) == 4 and len({one["key"] for one in nms[1].seen[1:]}) == 1


def test_a_worker_lost_in_the_middle_leaves_a_call_that_is_not_repeated(at_nms, nms, alpha):
    prepared = calls.prepare(realm_id=alpha.pk, endpoint_key="nms", key="k", by="test",
                             request={"method": "POST", "path": "/v1/ports"})  # fmt: skip
    assert EndpointCall.objects.get(pk=prepared.call_id).state == CallState.RUNNING
    with pytest.raises(Exception, match="worker was lost"):
        calls.make(realm_id=alpha.pk, endpoint_key="nms", key="k", by="test",
                   request={"method": "POST", "path": "/v1/ports"})  # fmt: skip
    assert nms[1].seen == []


# Who may, and what is shown


@pytest.mark.asvs("13.3.2", "16.2.5")
def test_secrets_go_in_and_never_come_out(at_nms, cast, nms, scripted, caplog):
    """A credential is planted, a script uses it, the pages and the API are read; then every table is searched."""
    scripted("def run(inputs, boss):\n    return boss.call('nms', path='/v1/x')['json']\n", {"endpoints": ["nms"]})
    client = Client(headers={"host": "alpha.localhost"})
    client.force_login(cast.alice)
    shown = []
    with scoping.enter(None):
        for path in (
            "/console/endpoints/", f"/console/endpoints/{at_nms.public_id}/", "/api/v1/automation/endpoints/",
            f"/api/v1/automation/endpoints/{at_nms.public_id}/", f"/api/v1/automation/endpoints/{at_nms.public_id}/calls/",
        ):  # fmt: skip
            answer = client.get(path)
            assert answer.status_code == 200
            shown.append(answer.content.decode())
        # A page sent back for a mistake shows what was typed, but no secret.
        wrong = client.post(f"/console/endpoints/{at_nms.public_id}/", {"title": "", "secrets_secret": MARKER})
        assert wrong.status_code == 422
        shown.append(wrong.content.decode())
        changed = client.patch(f"/api/v1/automation/endpoints/{at_nms.public_id}/", {"secrets": {"secret": MARKER}},
                               content_type="application/json")  # fmt: skip
        assert changed.status_code == 200 and changed.json()["has_secrets"]
        shown.append(changed.content.decode())
    assert MARKER not in "".join(shown) and MARKER not in caplog.text
    with scoping.realm_transaction(cast.alpha.pk), connections["default"].cursor() as cursor:
        for table in connections["default"].introspection.table_names(cursor):
            cursor.execute("SELECT has_table_privilege(%s, 'SELECT')", [table])
            if cursor.fetchone() == (True,):  # the others are closed to the application
                cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{MARKER}%"])
                assert cursor.fetchone() == (0,), table


def test_bob_manages_none_and_charlie_sees_none(at_nms, bob, charlie, in_beta):
    with pytest.raises(PermissionDenied):
        endpoints.change(actor=bob, endpoint=at_nms, enabled=False)
    at_nms.refresh_from_db()
    assert at_nms.enabled
    with in_beta():
        assert not Endpoint.objects.visible_to(charlie).exists()


def test_a_wrong_rule_or_address_is_said_at_its_field(endpoint, alpha):
    for settings, field in (
        ({"url": "ftp://x", "rules": "GET /"}, "settings.url"),
        ({"url": "https://x.example", "rules": "FETCH /"}, "settings.rules"),
        ({"url": "https://u:p@x.example", "rules": "GET /"}, "settings.url"),
        ({"url": "https://x.example", "rules": "GET /", "auth": "header"}, "settings.header"),
    ):
        with pytest.raises(InvalidInput) as refused:
            endpoint("http", settings=settings)
        assert field in refused.value.fields
    assert not Endpoint.objects.exists() and not AuditEntry.objects.filter(action="endpoint.created").exists()


def test_a_ticket_is_opened_once_for_one_key(endpoint, alpha, system):
    categories.create(actor=system, key="work", name="Work", kind="work")
    endpoint("ticket", "people", settings={"category": "work"})
    request = {"title": "Look", "body": "at it"}
    first = calls.make(realm_id=alpha.pk, endpoint_key="people", request=request, key="k", by="test")
    Ticket.objects.update(state="closed")
    again = calls.make(realm_id=alpha.pk, endpoint_key="people", request=request, key="k", by="test")
    assert first == again and Ticket.objects.count() == 1


# SQL


@pytest.fixture
def their_database(django_db_setup, endpoint) -> Iterator[Endpoint]:
    """A table of somebody else's, on a Postgres that is not ours to change: another database of the test's server."""
    owner = connections["owner"].settings_dict
    where = {"host": owner["HOST"], "port": owner["PORT"] or 5432, "user": owner["USER"], "password": owner["PASSWORD"]}
    with psycopg.connect(dbname=owner["NAME"], autocommit=True, **where) as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS theirs")
        connection.execute("DROP TABLE IF EXISTS theirs.port")
        connection.execute("CREATE TABLE theirs.port (id text PRIMARY KEY, vlan int)")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_forward, args=(listener, owner), daemon=True).start()
    host, port = listener.getsockname()
    yield endpoint(
        "sql", "billing", secrets={"password": owner["PASSWORD"]},
        settings={
            "host": host, "port": port, "database": owner["NAME"], "user": owner["USER"], "tls": "disable",
            "statements": "-- name: add_port\nINSERT INTO theirs.port VALUES (%(id)s, %(vlan)s) RETURNING id, vlan\n"
                          "-- name: drop_port\nDELETE FROM theirs.port WHERE id = %(id)s\n"
                          "-- name: find_port (reads)\nSELECT id, vlan FROM theirs.port WHERE id = %(id)s\n"
                          "-- name: lies (reads)\nDELETE FROM theirs.port\n",
        },
    )  # fmt: skip
    with psycopg.connect(dbname=owner["NAME"], autocommit=True, **where) as connection:
        connection.execute("DROP SCHEMA theirs CASCADE")
    listener.close()


def _forward(listener: socket.socket, server: dict[str, Any]) -> None:
    """The test's server listens on a socket of the file system; endpoints speak TCP."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)

    with contextlib.suppress(OSError):
        while True:
            ours, _peer = listener.accept()
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(f"{server['HOST']}/.s.PGSQL.{server['PORT'] or 5432}")
            for pair in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=pump, args=pair, daemon=True).start()


@pytest.mark.lab
def test_sql_at_a_real_postgres(their_database, perform, alpha):
    def ask(statement: str, **values: Any) -> dict[str, Any]:
        return calls.make(realm_id=alpha.pk, endpoint_key="billing", by="test", key=f"{statement}{values}",
                          request={"statement": statement, "values": values})  # fmt: skip

    run = perform(
        {"key": "add", "title": "Add", "handler": "sql.run",
         "with": {"endpoint": "billing", "statement": "add_port", "id": "p'1; DROP", "vlan": 7, "undo_statement": "drop_port"},
         "outputs": [{"key": "vlan", "type": "integer", "required": True}]},
    )  # fmt: skip
    assert run.state == "completed" and run.outputs["add"]["vlan"] == 7, told(run)
    assert ask("find_port", id="p'1; DROP") == {"rows": [{"id": "p'1; DROP", "vlan": 7}], "count": 1}
    for refused in (("nothing", {}), ("find_port", {}), ("find_port", {"id": ["a"]}), ("find_port", {"id": 1, "x": 2})):
        with pytest.raises(CallNotAllowed):
            ask(refused[0], **refused[1])
    with pytest.raises(Exception, match="read-only"):
        ask("lies")
    assert ask("find_port", id="p'1; DROP")["count"] == 1


# LDAP


@pytest.fixture
def directory(tmp_path: Path, endpoint) -> Iterator[Endpoint]:
    """A private slapd with one person."""
    if shutil.which("slapd") is None:
        pytest.skip("slapd is not installed. `make lab` installs it.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "data").mkdir()
    (tmp_path / "slapd.conf").write_text(
        "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n"
        "include /etc/ldap/schema/inetorgperson.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"pidfile {tmp_path}/pid\ndatabase mdb\nsuffix dc=example,dc=net\nrootdn cn=admin,dc=example,dc=net\n"
        f"rootpw {MARKER}\ndirectory {tmp_path}/data\nmaxsize 10485760\n"
    )
    (tmp_path / "start.ldif").write_text(
        "dn: dc=example,dc=net\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n"
        "dn: ou=people,dc=example,dc=net\nobjectClass: organizationalUnit\nou: people\n\n"
        "dn: cn=Sam,ou=people,dc=example,dc=net\nobjectClass: inetOrgPerson\ncn: Sam\nsn: Soto\nmail: sam@example.net\n"
        "userPassword: hidden\n"
    )
    config = ["-f", str(tmp_path / "slapd.conf")]
    subprocess.run(["slapadd", *config, "-l", str(tmp_path / "start.ldif")], check=True, capture_output=True)
    server = subprocess.Popen(
        ["slapd", *config, "-h", f"ldap://127.0.0.1:{port}", "-d", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _wait_for(port, server)
    yield endpoint(
        "ldap", "people", secrets={"password": MARKER},
        settings={"host": "127.0.0.1", "port": port, "tls": "none", "bind_dn": "cn=admin,dc=example,dc=net",
                  "base": "ou=people,dc=example,dc=net", "readable": "cn mail", "changeable": "mail"},
    )  # fmt: skip
    server.terminate()
    server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


@pytest.mark.lab
def test_ldap_at_a_real_slapd(directory, perform, alpha, alice):
    def ask(**request: Any) -> dict[str, Any]:
        return calls.make(realm_id=alpha.pk, endpoint_key="people", by="test", key=str(request), request=request)

    assert endpoints.try_out(actor=alice, endpoint=directory)[0]
    run = perform(
        {"key": "find", "title": "Find", "handler": "ldap.search",
         "with": {"endpoint": "people", "filter": "(cn={name})", "name": "Sam"},
         "outputs": [{"key": "mail", "type": "text"}]},
        {"key": "change", "title": "Change", "handler": "ldap.modify", "after": ["find"], "undo": "none",
         "with": {"endpoint": "people", "dn": {"var": "tasks.find.dn"}, "mail": "new@example.net"}},
    )  # fmt: skip
    assert run.state == "completed" and run.outputs["find"]["mail"] == "sam@example.net", told(run)
    found = ask(action="search", filter="(cn={name})", values={"name": "Sam"})["entries"]
    assert found[0]["attributes"]["mail"] == ["new@example.net"]
    assert ask(action="search", filter="(cn={name})", values={"name": "*)(cn=*"})["entries"] == []
    for refused in (
        {"action": "modify", "dn": "cn=Sam,ou=people,dc=example,dc=net", "replace": {"userPassword": "x"}},
        {"action": "modify", "dn": "dc=example,dc=net", "replace": {"mail": "x"}},
        {"action": "search", "filter": "(userPassword=h*)"}, {"action": "search", "attributes": ["userPassword"]},
        {"action": "search", "base": "dc=example,dc=net"}, {"action": "delete", "dn": "cn=Sam"},
    ):  # fmt: skip
        with pytest.raises(CallNotAllowed):
            ask(**refused)


# SSH


@pytest.fixture
def device(tmp_path: Path, endpoint) -> Iterator[Endpoint]:
    """A private sshd that lets the test's own user in with a key."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists():
        pytest.skip("sshd is not installed. `make lab` installs it.")
    for name in ("host", "user", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (tmp_path / "authorized").write_text((tmp_path / "user.pub").read_text())
    (tmp_path / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    server = subprocess.Popen([sshd, "-D", "-f", str(tmp_path / "sshd_config")], stderr=subprocess.DEVNULL)
    _wait_for(port, server)
    import getpass

    yield endpoint(
        "ssh", "olt", secrets={"private_key": (tmp_path / "user").read_text()}, deadline_seconds=15,
        settings={"host": "127.0.0.1", "port": port, "user": getpass.getuser(),
                  "host_key": (tmp_path / "host.pub").read_text(),
                  "commands": "show (reads): echo port {port} is up\nfails: exit 3\nslow: sleep 30\n"
                              "flood: yes boss\n"},
    )  # fmt: skip
    server.terminate()
    server.wait(10)


@pytest.mark.lab
def test_ssh_at_a_real_sshd(device, perform, alpha, alice, tmp_path: Path):
    def ask(command: str, **values: Any) -> dict[str, Any]:
        return calls.make(realm_id=alpha.pk, endpoint_key="olt", by="test", key=f"{command}{values}",
                          request={"command": command, "values": values})  # fmt: skip

    assert endpoints.try_out(actor=alice, endpoint=device)[0]
    run = perform({"key": "show", "title": "Show", "handler": "ssh.run",
                   "with": {"endpoint": "olt", "command": "show", "port": "1/2"}})  # fmt: skip
    assert run.state == "completed" and run.outputs["show"]["output"] == "port 1/2 is up\n", told(run)
    for values in ({"port": "1; id"}, {"port": "$(id)"}, {"port": "`id`"}, {"port": "-rf"}, {"port": "a\nb"}, {}):
        with pytest.raises(CallNotAllowed):
            ask("show", **values)
    with pytest.raises(CallNotAllowed):
        ask("reboot")
    with pytest.raises(Exception, match="status 3"):
        ask("fails")
    with pytest.raises(Exception, match="more than 256 kB"):
        ask("flood")
    endpoints.change(actor=alice, endpoint=device, deadline_seconds=2.0)
    began = time.monotonic()
    with pytest.raises(Exception, match="in time"):
        ask("slow")
    assert time.monotonic() - began < 6
    endpoints.change(actor=alice, endpoint=device, deadline_seconds=15.0,
                     settings={**device.settings, "host_key": (tmp_path / "other.pub").read_text()})  # fmt: skip
    with pytest.raises(CallNotAllowed, match="another host key"):
        ask("show", port="1")
