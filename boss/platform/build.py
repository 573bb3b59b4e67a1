"""The supervisor's side of the builder process: tell it a step, follow its answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from boss.platform import addresses
from boss.platform.processes import StartError, die_with_parent
from boss.platform.schema_stamp import fingerprint
from boss.platform.services import environment


class Builder:
    """A process that migrates and seeds; see `boss.platform.builder`."""

    def __init__(self, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        self._answers: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        with open(log, "wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "boss.platform.builder"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment()},
                cwd=addresses.ROOT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._answers.put(json.loads(line))
        self._answers.put(None)

    def tell(self, word: str) -> None:
        """Give it its next step."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{word}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            # It ended already; the reader of its answers finds out and says why.
            return

    def next_answer(self, seconds: float | None = None) -> dict[str, Any] | None:
        """Its next answer, None when there is none within `seconds`. Raises StartError when it failed or ended."""
        try:
            answer = self._answers.get(timeout=seconds)
        except Empty:
            return None
        if answer is None:
            raise StartError(f"Building the database stopped. Its last words:\n{self._last_words()}")
        if "failed" in answer:
            raise StartError(f"{answer['failed']}\nMore in {self.log}")
        return answer

    def do(self, word: str, progress: Callable[[list[Any]], None]) -> dict[str, Any]:
        """One whole step, waiting for its end. Raises StartError."""
        self.tell(word)
        return self.wait_for(word, progress)

    def wait_for(self, word: str, progress: Callable[[list[Any]], None] | None = None) -> dict[str, Any]:
        """Wait for the end of a step. Raises StartError."""
        while True:
            answer = self.next_answer()
            if answer and "progress" in answer and progress:
                progress(answer["progress"])
            elif answer and answer.get("done") == word:
                return answer

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])

    def stop(self) -> None:
        """End it, in the middle if need be: what it builds is in transactions, and it goes on next time."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Built:
    """What was built here before, in `.boss/run/built.json`: lets a second start skip the builder."""

    def __init__(self, state: Path, *, lab: bool = False, names: Sequence[str] = ()) -> None:
        """`lab`: real servers run beside us this time, and the least of the demo points at them, or no longer does.

        `names`: what others call this machine by, which the demo's provider has to answer to.
        """
        # A change of it is a reason to go through the least of the demo again.
        self.least = f"{demo_fingerprint()}{' lab' if lab else ''}{''.join(f' {name}' for name in names)}"
        self.path = state / "built.json"
        self.fingerprint = fingerprint()
        try:
            self.facts: dict[str, Any] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.facts = {}

    @property
    def schema(self) -> bool:
        """True when the schema was made from what is in the checkout now."""
        return addresses.is_embedded_database() and self.facts.get("schema") == self.fingerprint

    @property
    def minimum(self) -> bool:
        """True when the least of the demo is there, made by the seeds that are in the checkout now."""
        return self.schema and self.facts.get("minimum") == self.least

    @property
    def demo(self) -> bool:
        """True when the demo is complete, made by the seeds that are in the checkout now."""
        return self.schema and self.facts.get("demo") == demo_fingerprint()

    def remember(self, **facts: Any) -> None:
        """Keep facts for the next start."""
        self.facts |= facts
        self.path.write_text(json.dumps(self.facts, indent=1))

    def forget(self) -> None:
        """The database is gone."""
        self.facts = {}
        self.path.unlink(missing_ok=True)


def demo_fingerprint() -> str:
    """Changes when a seed does."""
    seeds = addresses.ROOT / "boss" / "platform" / "demo"
    return fingerprint(sorted([*seeds.rglob("*.py"), *seeds.rglob("*.yaml")]))
