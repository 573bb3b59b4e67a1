"""Shutdown drains: the task at hand is finished and recorded, the next one is left for another worker.

Celery tells only the parent process that the worker shuts down, while the children do the work. The flag lives in
memory mapped before the fork, so the parent's stroke is seen by all.
"""

from __future__ import annotations

import mmap
from typing import Any

_flag = mmap.mmap(-1, 1)


def begin(**_signal: Any) -> None:
    """Handler of Celery's ``worker_shutting_down``."""
    _flag[0] = 1


def end() -> None:
    """For tests."""
    _flag[0] = 0


def is_on() -> bool:
    return _flag[0] == 1
