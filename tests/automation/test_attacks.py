"""What a script tries and does not get. Each really tries it, in a real run, and the task's journal says what came of it.

Kept in one database transaction and a few processes: a second or less each, leftovers none.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections

from boss.automation.sandbox import process
from boss.automation.sandbox.confinement import Limits
from tests.automation.conftest import told
from ticketing.models import Ticket
from workflow.models import Attempt, TaskRun

SECRET = "planted-in-the-worker-4711"


def descendants() -> list[int]:
    """What of ours runs now, but the test's own database."""
    return [pid for pid in process._below(os.getpid()) if b"postgres" not in _said_of(pid)]


def _said_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b"postgres: gone meanwhile"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = set(descendants())
    yield
    left = {pid: _said_of(pid)[:80] for pid in set(descendants()) - before}
    assert left == {}, "a process of a script is still there"


@pytest.fixture
def worker_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Something to steal: in the environment, in a file, and the settings of our database."""
    monkeypatch.setenv("BOSS_STOLEN", SECRET)
    place = tmp_path / "secret"
    place.write_text(SECRET)
    place.chmod(0o644)
    for parent in (tmp_path, *list(tmp_path.parents)[:3]):
        parent.chmod(0o755)
    return place


READS = {
    "its environment": "os.environ['BOSS_STOLEN']",
    "the worker's environment": "open('/proc/%d/environ' % inputs['worker']).read()",
    "its own name space's processes": "os.listdir('/proc')",
    "a file of the worker": "open(inputs['file']).read()",
    "the list of users": "open('/etc/passwd').read()",
    "our own code": "open(inputs['code']).read()",
    "the database by TCP": "socket.create_connection((inputs['db_host'], inputs['db_port']), 2)",
    "the database by its socket": "socket.socket(socket.AF_UNIX).connect(inputs['db_socket'])",
    "the metadata address": "socket.create_connection(('169.254.169.254', 80), 2)",
    "a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))",
    "a name of the network": "socket.getaddrinfo('example.com', 80)",
    "writing outside": "open('/etc/boss', 'w')",
    "writing where temporary things go": "open('/tmp/boss', 'w')",
    "a megabyte of file": "open('/big', 'wb').write(b'x' * (1 << 20) * 2)",
    "looking into another process": "got = ctypes.CDLL(None, use_errno=True).ptrace(16, 1, 0, 0)\nassert got == 0",
    "a new user name space": "got = ctypes.CDLL(None).unshare(0x10000000)\nassert got == 0",
    "becoming root": "os.setuid(0)",
    "mounting": "got = ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)\nassert got == 0",
    "memory nobody counts": "os.memfd_create('x')",
    "installed packages": "sys.path[:0] = [inputs['packages']]\nimport django\ngot = django",
    "a program of the host": "subprocess.run(['/bin/sh', '-c', 'id'], check=True)",
    "a device of the host": "open('/dev/mem', 'rb')",
}


def reading_all() -> str:
    """A script that tries all of them and says what it got."""
    tries = "".join(f"    attempt({name!r}, lambda: got({code!r}, inputs))\n" for name, code in READS.items())
    return (
        "import os, socket, sys, time, ctypes, subprocess\n"
        "def got(code, inputs):\n"
        "    names = {'inputs': inputs, 'os': os, 'socket': socket, 'sys': sys, 'ctypes': ctypes, 'subprocess': subprocess}\n"
        "    if '\\n' in code:\n        exec(code, names)\n        return names.get('got')\n"
        "    return eval(code, names)\n"
        "def run(inputs, boss):\n"
        "    reached = []\n"
        "    def attempt(name, work):\n"
        "        try:\n            found = work()\n"
        "        except BaseException as error:\n"
        "            print(name + ':', type(error).__name__)\n            return\n"
        "        print(name + ': GOT', str(found)[:80])\n        reached.append(name)\n"
        + tries +
        "    if reached:\n        return {'reached': reached}\n"
        "    boss.fail('nothing could be reached')\n"
    )  # fmt: skip


@pytest.mark.asvs("15.2.5")
def test_it_reads_and_reaches_nothing(scripted, worker_secrets: Path):
    """All of them against one worker. What any of them got would stand in its outputs."""
    database = connections["default"].settings_dict
    where = {
        "worker": os.getpid(), "file": str(worker_secrets), "code": str(Path(process.__file__)),
        "db_host": database["HOST"] if not database["HOST"].startswith("/") else "127.0.0.1",
        "db_port": int(database["PORT"] or 5432), "db_socket": f"{database['HOST']}/.s.PGSQL.{database['PORT']}",
        "packages": str(Path(pytest.__file__).parents[1]),
    }  # fmt: skip
    run = scripted(reading_all(), **where)

    journal = told(run)
    assert "GOT" not in journal and SECRET not in journal
    assert all(f"{name}: " in journal for name in READS)
    assert "nothing could be reached" in journal and TaskRun.objects.get(run=run).state == "attention"


ENDED = {
    "a fork bomb": ("import os\ndef run(i, boss):\n    while True:\n        os.fork()\n", {}, ("BlockingIOError", "longer")),
    "filling memory": (
        "def run(i, boss):\n    x = []\n    while True:\n        x.append(bytearray(1 << 20))\n", {}, ("memory",)),
    "filling memory in many processes": (
        "import os, time\ndef run(i, boss):\n    for _ in range(6):\n        if os.fork() == 0:\n"
        "            x = bytearray(40 << 20)\n            time.sleep(30)\n    time.sleep(30)\n",
        {"memory_mb": 64}, ("more than 64 MB",)),
    "hanging": ("import time\ndef run(i, boss):\n    time.sleep(60)\n", {"wall_seconds": 1}, ("longer than 1 second",)),
    "not letting itself be ended": (
        "import signal, time\ndef run(i, boss):\n    for n in range(1, 32):\n        try:\n"
        "            signal.signal(n, signal.SIG_IGN)\n        except OSError:\n            pass\n    time.sleep(60)\n",
        {"wall_seconds": 1}, ("longer than 1 second",)),
    "endless output": ("def run(i, boss):\n    while True:\n        print('x' * 9999)\n", {}, ("wrote more than",)),
    "an endless answer": (
        "def run(i, boss):\n    while True:\n        boss._channel.sendall(b'x' * 65536)\n", {}, ("more than 256 kB",)),
    "a deep answer": (
        "import time\ndef run(i, boss):\n    boss._channel.sendall(b'[' * 100000 + b'\\n')\n    time.sleep(5)\n", {},
        ("nested too deeply", "no JSON")),
    "an answer that is no JSON": (
        "import time\ndef run(i, boss):\n    boss._channel.sendall(b'{\"outcome\": NaN}\\n')\n    time.sleep(5)\n", {},
        ("no JSON",)),
    "crashing": ("import ctypes\ndef run(i, boss):\n    ctypes.string_at(1)\n", {}, ("crashed", "ended without")),
    "ending without a word": ("import os\ndef run(i, boss):\n    os._exit(7)\n", {}, ("status 7",)),
    "what Postgres cannot hold": ("def run(i, boss):\n    print('\\0')\n    return {'a': '\\0'}\n", {}, ("cannot be kept",)),
}  # fmt: skip


@pytest.mark.asvs("15.2.2", "15.2.5")
@pytest.mark.parametrize("what", ENDED)
def test_it_is_ended_and_the_journal_says_why(scripted, what: str):
    source, rules, words = ENDED[what]
    began = time.monotonic()

    run = scripted(source, {"wall_seconds": 4, **rules})

    assert TaskRun.objects.get(run=run).state == "attention"
    journal = told(run)
    assert any(word in journal for word in words), journal[-2000:]
    assert "v1 (" in Attempt.objects.get(task__run=run).error
    assert Ticket.objects.count() == 1 and time.monotonic() - began < 15


def test_a_child_that_holds_the_pipe_dies_with_it(scripted):
    run = scripted(
        "import os, time\ndef run(i, boss):\n    if os.fork() == 0:\n        os.setsid()\n        time.sleep(60)\n"
        "    return {}\n"
    )
    assert run.state == "completed"


def test_the_processor_is_limited_as_well():
    work = process.Work("def run(i, boss):\n    while True:\n        pass\n", "run", [{}], key="cpu")
    result = process.run(work, Limits(wall_seconds=30, cpu_seconds=1))
    assert result.outcome == "ended" and "processor" in result.reason


def test_a_script_reaches_no_other_realm(scripted, endpoint, cast, in_beta):
    """An endpoint of Charlie's is no endpoint at all."""
    from boss.automation.services import endpoints
    from boss.core.actors import Actor
    from ticketing.services import categories

    with in_beta():
        theirs = Actor.system(cast.beta.pk)
        categories.create(actor=theirs, key="their-work", name="Their work", kind="work")
        endpoints.create(actor=theirs, key="theirs", kind="ticket", title="Theirs", settings={"category": "their-work"})

    run = scripted(
        "def run(inputs, boss):\n    try:\n        boss.call('theirs', title='x')\n"
        "    except boss.Refused as error:\n        boss.fail(error)\n"
    )

    assert "does not name the endpoint" in told(run)
    with in_beta():
        assert Ticket.objects.count() == 0


def test_out_of_turn_nothing_is_believed():
    """A child speaks on the channel while a call is under way; only lines in turn are read, one call at a time."""
    asked: list[str] = []

    class Broker:
        def begin(self, endpoint, request, number, seconds):
            asked.append(endpoint)
            return lambda: time.sleep(0.2) or {"n": number}

        def end(self, error):
            assert error is None

    source = (
        'import json\ndef run(i, boss):\n    boss._channel.sendall(b\'{"call": "a", "request": {}}\\n\' * 3)\n'
        "    got = [json.loads(boss._lines.readline()) for _ in range(3)]\n    return {'got': got}\n"
    )
    result = process.run(process.Work(source, "run", [{}], key="turn"), Limits(calls=2), broker=Broker())
    assert asked == ["a", "a"] and [next(iter(answer)) for answer in result.outputs["got"]] == [
        "answer",
        "answer",
        "refused",
    ]


def test_the_channel_is_all_it_inherits():
    """No descriptor of the worker is open in it but its log and the channel."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.set_inheritable(True)
        source = (
            "import os\ndef run(i, boss):\n    open_ones = []\n    for n in range(3, 64):\n        try:\n"
            "            os.fstat(n)\n            open_ones.append(n)\n        except OSError:\n            pass\n"
            "    return {'open': len(open_ones)}\n"
        )
        result = process.run(process.Work(source, "run", [{}], key="fds"), Limits())
    assert result.outputs == {"open": 1}, json.dumps(result.outputs)


def test_it_may_be_started_from_any_thread():
    found: list[process.Result] = []
    work = process.Work("def run(i, boss):\n    return {'ok': 1}\n", "run", [{}], key="thread")
    thread = threading.Thread(target=lambda: found.append(process.run(work, Limits())))
    thread.start()
    thread.join(30)
    assert found[0].outputs == {"ok": 1}
