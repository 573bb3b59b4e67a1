"""The same attacks where the worker is an ordinary user, as in production: another way into the sandbox, as tight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from boss.automation.sandbox import process
from boss.platform import addresses
from tests.automation.as_ordinary_user import SOMEBODY
from tests.automation.test_attacks import ENDED, READS, SECRET, reading_all

BY_THE_SANDBOX = {name: told for name, told in ENDED.items() if name != "what Postgres cannot hold"}
"""Attacks that the sandbox itself ends; what an answer may hold is looked at behind it, whoever the worker is."""


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: Any) -> dict[str, Any]:
    """What came of each, from one worker that is not root."""
    place = tmp_path_factory.mktemp("worker") / "secret"
    place.write_text(SECRET)
    place.chmod(0o644)
    for parent in list(place.parents)[:3]:
        parent.chmod(0o755)
    inputs = {
        "worker": 1, "file": str(place), "code": str(Path(process.__file__)), "db_host": "127.0.0.1",
        "db_port": addresses.POSTGRES_PORT, "packages": str(Path(pytest.__file__).parents[1]),
        "db_socket": f"{addresses.postgres_socket_directory()}/.s.PGSQL.{addresses.POSTGRES_PORT}",
    }  # fmt: skip
    asked = {
        name: {"source": source, "inputs": {}, "limits": {"wall_seconds": 4, **rules}}
        for name, (source, rules, _words) in BY_THE_SANDBOX.items()
    }
    asked["reading"] = {"source": reading_all(), "inputs": inputs, "limits": {}}
    done = subprocess.run(
        [sys.executable, "-m", "tests.automation.as_ordinary_user"],
        input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=120, cwd=addresses.ROOT,
        env={**os.environ, "BOSS_STOLEN": SECRET},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_worker_is_nobody_special_and_enters_the_sandbox_as_such(attacked):
    assert attacked["who"]["user"] == (SOMEBODY if os.geteuid() == 0 else os.geteuid())
    assert attacked["who"]["capabilities"] == 0
    assert {"--unshare-user", "--disable-userns"} <= set(attacked["line"])
    assert not any("setpriv" in word or "cap-add" in word for word in attacked["line"])
    assert attacked["proof"] == {"works": True, "why": ""}


@pytest.mark.asvs("15.2.5")
def test_it_reads_and_reaches_nothing(attacked):
    result = attacked["results"]["reading"]
    assert result["outcome"] == "fail" and "nothing could be reached" in result["words"], result
    assert all(f"{name}: " in result["log"] for name in READS)
    assert "GOT" not in result["log"] and SECRET not in json.dumps(result)


@pytest.mark.asvs("15.2.2", "15.2.5")
@pytest.mark.parametrize("what", BY_THE_SANDBOX)
def test_it_is_ended_and_told_why(attacked, what):
    result = attacked["results"][what]
    said = f"{result['reason']}\n{result['words']}\n{result['log']}"
    assert result["outcome"] != "done", result
    assert any(word in said for word in BY_THE_SANDBOX[what][2]), said[-2000:]
    assert result["seconds"] < 15


def test_nothing_of_it_is_left(attacked):
    """The worker is gone, and so is every process that ran as its user."""
    if os.geteuid() != 0:
        pytest.skip("the worker was this very user: whose processes are left is told by the other tests")
    left = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            ended = (each / "stat").read_text().rpartition(")")[2].split()[0] == "Z"  # init has not looked yet
            if each.stat().st_uid == SOMEBODY and not ended:
                left.append((each / "cmdline").read_bytes()[:80])
        except OSError:
            continue
    assert left == []
