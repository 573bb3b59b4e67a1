"""The process behind `manage.py lab up`: starts the real servers and keeps them running until `lab down`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

from boss.platform import addresses, lab
from boss.platform.processes import StartError, is_alive
from boss.platform.services import Service
from ipservices.labs import LabError

START_SECONDS = 180.0
STOP_SECONDS = 30.0
_PAUSE = 5.0


def state_path() -> Path:
    """Where the keeper tells about itself: its process, and whether everything runs."""
    return lab.directory_of("keeper.json")


def read() -> dict[str, Any]:
    """What the living keeper says; empty when there is none."""
    try:
        found: dict[str, Any] = json.loads(state_path().read_text())
    except (OSError, ValueError):
        return {}
    return found if is_alive(int(found.get("pid", 0) or 0)) else {}


def start() -> None:
    """Have a keeper, started now unless one runs, and wait until its servers answer. Raises StartError."""
    if not read():
        state_path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(log_path(), "ab") as log:
            subprocess.Popen(
                [sys.executable, "-m", "boss.platform.lab_keeper"], cwd=addresses.ROOT, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, "BOSS_NO_BOOTSTRAP": "1"},
            )  # fmt: skip
    ends = time.monotonic() + START_SECONDS
    while not read().get("ready"):
        if time.monotonic() > ends:
            raise StartError(f"The real servers did not start; see {log_path()}.")
        time.sleep(0.1)
    if trouble := read().get("trouble"):
        raise StartError("Not everything started:\n" + "\n".join(trouble))


def stop() -> bool:
    """End the keeper with its servers; False when none ran. Raises StartError when it does not end."""
    found = read()
    if not found:
        return False
    pid = int(found["pid"])
    os.kill(pid, signal.SIGTERM)
    ends = time.monotonic() + STOP_SECONDS
    while is_alive(pid):
        if time.monotonic() > ends:
            raise StartError(f"The keeper of the lab (process {pid}) does not end; see {log_path()}.")
        time.sleep(0.1)
    return True


def log_path() -> Path:
    return lab.directory_of("keeper.log")


def keep() -> None:
    """What the keeper does: start what is installed, tell, revive what ends, stop everything on a signal."""
    stopped: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    _tell(ready=False)
    running: list[Service] = []
    trouble: list[str] = []
    for service in lab.services(lambda line: print(line, flush=True)):
        try:
            service.start()
        except (LabError, StartError, OSError) as error:
            trouble.append(f"{service.name}: {error}")
            print(trouble[-1], flush=True)
            continue
        running.append(service)
        print(f"{service.name} runs", flush=True)
    _tell(ready=True, trouble=trouble)
    try:
        while not stopped:
            time.sleep(0.3)
            for service in running:
                _revive(service)
    finally:
        for service in reversed(running):
            if service.child is not None:
                service.child.stop()
        with contextlib.suppress(FileNotFoundError):
            state_path().unlink()


def _revive(service: Service) -> None:
    if service.child is None or service.child.is_running:
        return
    if service.again_at is None:
        print(f"{service.name} ended; it starts again", flush=True)
        service.child.kill()
        service.again_at = time.monotonic() + (_PAUSE if service.ends else 0)
        service.ends.append(time.monotonic())
    if time.monotonic() >= service.again_at:
        try:
            service.start()
        except (LabError, StartError, OSError) as error:
            print(f"{service.name}: {error}", flush=True)
            service.again_at = time.monotonic() + _PAUSE


def _tell(**facts: Any) -> None:
    path = state_path()
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"pid": os.getpid(), **facts}))
    fresh.replace(path)


if __name__ == "__main__":
    keep()
