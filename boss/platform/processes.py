"""Start child processes that never outlive us, and stop them in good order."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1


class StartError(RuntimeError):
    """A server did not start. The message says why in words, with the end of its log where that helps."""


@dataclass
class Child:
    """One long-running process below us.

    `stop_signal` asks it to end; after `grace` seconds its whole group is killed.
    `user` is the numeric user it drops to, when we are root and it must not be.
    """

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    user: int | None = None
    cwd: Path | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal reaches only us."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )

    @property
    def pid(self) -> int | None:
        """Its process id, None before the start."""
        return self.process.pid if self.process else None

    @property
    def is_running(self) -> bool:
        """True while the process lives."""
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the stop signal without waiting, so that several can stop at the same time."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)

    def stop(self) -> int | None:
        """Ask it to end, wait, and kill what is left of its group. Its exit status; None if it never ran."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.ask_to_stop()
            try:
                self.process.wait(self.grace)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """End the whole group at once, as a power cut would."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        try:
            with open(self.log, "rb") as log:
                log.seek(max(0, self.log.stat().st_size - 8192))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()`. Raises StartError when it ends first or the time is up."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.is_running:
                status = self.process.returncode if self.process else None
                raise StartError(f"{self.name} ended with status {status}. Its last words:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} was not ready within {seconds:.0f} s. Its last words:\n{self.last_words()}"
                )
            time.sleep(0.03)


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What a child runs before its program: ask the kernel for `stop_signal` when the parent dies (Linux only).

    So even `kill -9` of the parent leaves no orphans, and PostgreSQL shuts down cleanly.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(stop_signal))
        if os.getppid() != parent:
            # The parent died between fork and here; nobody would send the signal any more.
            os._exit(1)

    return ask


def is_alive(pid: int) -> bool:
    """True when a process with this id exists, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
