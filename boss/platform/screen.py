"""What `manage.py up` prints: one line per step with the time since the start, a moving line while one lasts."""

from __future__ import annotations

import sys
import time


class Screen:
    """Progress on standard output; the moving line only where there is a terminal."""

    def __init__(self, began: float) -> None:
        self.began = began
        self.is_terminal = sys.stdout.isatty()
        self._moving = False
        self._last_tenth = -1

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.time() - self.began

    def step(self, line: str) -> None:
        """A thing done, with the time."""
        self.line(f"{self.seconds:6.1f} s  {line}")

    def line(self, line: str = "") -> None:
        """A whole line."""
        if self._moving:
            print("\r\033[K", end="")
            self._moving = False
        print(line, flush=True)

    def moving(self, what: str, done: int, total: int) -> None:
        """A line that is overwritten; without a terminal a line for every tenth."""
        if self.is_terminal:
            filled = 24 * done // max(total, 1)
            bar = "#" * filled + "." * (24 - filled)
            print(f"\r\033[K{self.seconds:6.1f} s  {what} [{bar}] {done} of {total}", end="", flush=True)
            self._moving = True
        elif 10 * done // max(total, 1) != self._last_tenth:
            self._last_tenth = 10 * done // max(total, 1)
            self.line(f"{self.seconds:6.1f} s  {what}: {done} of {total}")

    def problem(self, line: str) -> None:
        """Something went wrong; to standard error."""
        if self._moving:
            print("\r\033[K", end="", flush=True)
            self._moving = False
        print(f"boss: {line}", file=sys.stderr, flush=True)
