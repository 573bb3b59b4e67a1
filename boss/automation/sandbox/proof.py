"""Whether this host can confine a script: tried for real, not assumed.

A small script tries what it must not be able to do. A worker asks at its start and then now and again; where anything
works that must not, or nothing can be started, script tasks become tickets and say why.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import structlog

from boss.automation.sandbox import process
from boss.automation.sandbox.confinement import Limits, NoSandbox

log = structlog.get_logger(__name__)

_GOOD_FOR = 3600.0
_BAD_FOR = 300.0

_TRIES = """
import os, socket
def run(inputs, boss):
    escaped = []
    def attempt(name, work):
        try:
            work()
        except Exception:
            return
        escaped.append(name)
    attempt("environment", lambda: os.environ["PATH"])
    attempt("files of the host", lambda: open("/etc/passwd").read())
    attempt("processes of the host", lambda: os.listdir("/proc"))
    attempt("writing", lambda: open("/tmp/x", "w"))
    attempt("network", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
    attempt("unix sockets", lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    if os.getuid() == 0:
        escaped.append("root")
    return {"escaped": escaped}
"""


@dataclass(frozen=True, slots=True)
class State:
    """``works``, or ``why`` not."""

    works: bool
    why: str = ""


_lock = threading.Lock()
_known: tuple[float, State] | None = None


def state(*, anew: bool = False) -> State:
    """What is known of this host, tried again when that is old."""
    global _known
    with _lock:
        if _known is not None and not anew:
            at, known = _known
            if time.monotonic() - at < (_GOOD_FOR if known.works else _BAD_FOR):
                return known
        found = _try()
        _known = (time.monotonic(), found)
    if not found.works:
        log.warning("no_sandbox", why=found.why)
    return found


def _try() -> State:
    try:
        result = process.run(process.Work(_TRIES, "run", [{}], key="self-test"), Limits(wall_seconds=20.0))
    except NoSandbox as error:
        return State(False, str(error))
    if result.outcome != "done" or not isinstance(result.outputs, dict):
        words = result.log.strip().splitlines()
        return State(False, words[-1][:300] if words else result.reason or result.words)
    if result.outputs.get("escaped") != []:
        return State(False, f"a script reaches what it must not: {result.outputs.get('escaped')}"[:300])
    return State(True)
