"""The wall-clock limit of one attempt: a handler that hangs is interrupted instead of keeping its worker for ever."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from workflow.errors import TimeLimitExceeded


@contextmanager
def enforced(seconds: float) -> Iterator[None]:
    """Raise :class:`TimeLimitExceeded` in the block after ``seconds``. Only a main thread can be interrupted;
    elsewhere the lease alone ends, and the late result is refused."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def too_long(signum: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded(f"took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, too_long)
    began = time.monotonic()
    rest, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if rest:
            # Somebody else's alarm (a test's own limit) goes on where it was.
            signal.setitimer(signal.ITIMER_REAL, max(0.001, rest - (time.monotonic() - began)), interval)
