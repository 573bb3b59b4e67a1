"""`manage.py up` as people run it: in a process of its own, from the start to the bitter end."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from boss.platform import addresses, servers
from boss.platform.options import can_bind, parse, refuse_busy_port
from boss.platform.processes import StartError
from boss.platform.testing.processes import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A platform of this test's own; nothing of it is left."""
    name = f"test-{secrets.token_hex(4)}"
    monkeypatch.setenv("BOSS_PLATFORM_KIND", name)
    for variable in ("BOSS_SERVERS_RUN", "BOSS_DATABASE_NAME", "BOSS_REDIS_BLOCK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "boss.settings.dev")
    yield name
    for process in started:
        process.kill()
        process.wait()
    started.clear()
    shutil.rmtree(addresses.STATE / name, ignore_errors=True)
    shutil.rmtree(addresses.socket_directory(name), ignore_errors=True)


started: list[subprocess.Popen[str]] = []


def up(*arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up", "--no-demo", *arguments],
        cwd=addresses.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    started.append(process)
    return process


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.1)
    return False


def processes_of(kind: str) -> list[str]:
    """Command lines of the processes that were started for this kind of platform."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            if f"BOSS_PLATFORM_KIND={kind}".encode() in (directory / "environ").read_bytes().split(b"\0"):
                found.append((directory / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def test_one_life_of_up(kind: str) -> None:
    """Start; a second start; kill -9 leaves no orphans; a start after it; Ctrl-C stops all."""
    port = free_port()

    first = up("--port", str(port))
    assert wait_for(lambda: servers.read_status().get("ready") or first.poll() is not None, 240)
    assert first.poll() is None, first.communicate()[0]
    assert httpx.get(f"http://127.0.0.1:{port}/", headers={"Host": "localhost"}).status_code < 500

    second = up("--port", str(free_port()))
    said = second.communicate(timeout=60)[0]
    assert second.returncode == 1
    assert f"already running: http://localhost:{port} (process {first.pid})" in said

    first.kill()
    first.communicate()
    assert wait_for(lambda: not processes_of(kind), 20), processes_of(kind)

    third = up("--port", str(port))
    assert wait_for(lambda: servers.read_status().get("pid") == third.pid, 60)
    assert wait_for(lambda: servers.read_status().get("ready") or third.poll() is not None, 240)
    third.send_signal(signal.SIGINT)
    said = third.communicate(timeout=60)[0]
    assert third.returncode == 0, said
    assert "Stopped" in said
    assert processes_of(kind) == []
    assert not addresses.socket_directory(kind).exists()


def test_commands_have_servers_of_their_own_where_none_run(kind: str) -> None:
    """What a developer types with nothing running: servers come for it, a second command shares them, they go."""
    commands = [
        subprocess.Popen(
            [sys.executable, "manage.py", "showmigrations", "tenancy"],
            cwd=addresses.ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _command in range(2)
    ]
    started.extend(commands)

    for command in commands:
        said = command.communicate(timeout=120)[0]
        assert command.returncode == 0, said
        assert "[ ] 0001_initial" in said
    assert processes_of(kind) == []
    assert not addresses.socket_directory(kind).exists()


def test_a_busy_port_is_told_before_anything_starts(kind: str) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        process = up("--port", str(port))
        said = process.communicate(timeout=60)[0]

    assert process.returncode == 1
    assert f"Port {port} is used by another program" in said
    assert "--port" in said
    assert not (addresses.STATE / kind / "postgres").exists()


def test_a_port_busy_for_one_kind_of_address_is_told() -> None:
    if not can_bind("::1", 0):
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6) as busy:
        busy.bind(("::1", 0))
        busy.listen()
        port = busy.getsockname()[1]

        with pytest.raises(StartError, match=f"Port {port} is used by another program"):
            refuse_busy_port(parse(["--port", str(port)]))


def test_who_listens_for_others_answers_to_what_they_call_him() -> None:
    assert parse([]).names == []
    assert parse(["--host", "Boss.example"]).names == ["boss.example"]
    assert socket.gethostname().lower() in parse(["--host", "0.0.0.0"]).names


@pytest.mark.parametrize("port", ["0", "70000", "eighty"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--port", port])

    assert "must be a number from 1 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "said"),
    [("boss.settings.prod", "BOSS_SECRET_KEY must be set"), ("boss.settings.production", "No module named")],
)
def test_settings_that_cannot_be_used_are_told_before_anything_starts(
    kind: str, monkeypatch: pytest.MonkeyPatch, settings: str, said: str
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", settings)
    monkeypatch.delenv("BOSS_SECRET_KEY", raising=False)

    process = up("--port", str(free_port()))

    assert (
        f"The settings {settings} (DJANGO_SETTINGS_MODULE) cannot be used: {said}" in process.communicate(timeout=60)[0]
    )
    assert process.returncode == 1
    assert not (addresses.STATE / kind / "postgres").exists()


def test_a_state_directory_that_cannot_be_written_is_told(kind: str) -> None:
    (addresses.STATE / kind).write_text("not a directory")
    try:
        said = up("--port", str(free_port())).communicate(timeout=60)[0]
    finally:
        (addresses.STATE / kind).unlink()

    assert "Traceback" not in said
    assert f"{addresses.STATE} cannot be used" in said
