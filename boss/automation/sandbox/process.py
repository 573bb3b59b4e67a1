"""Starting one script, watching it, answering its calls, ending it: the side of the worker.

The script speaks over one inherited socket, a JSON object a line: calls of endpoints, and at last its outcome. What it
prints is its log. Nothing it says is believed without a check, and whatever it does it ends at its deadline, when it
uses more memory than it may, when it talks too much or out of turn, or when nobody wants its answer any more. The
whole of it then dies with its process name space: nothing can stay behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from django.utils.translation import gettext as _

from boss.automation.sandbox import filter as system_calls
from boss.automation.sandbox.confinement import Limits, NoSandbox, command

HARNESS = Path(__file__).with_name("harness.py").read_text()

_POLL_SECONDS = 0.05
_ASKED_EVERY = 1.0
"""Seconds between two questions whether the answer is still wanted: it costs a statement."""
_GRACE_SECONDS = 0.5
_MOST_LOG = 8 * 1024 * 1024
"""What is read (and thrown away) of the log before the script is ended for it."""
_RSS_PAGES_FIELD = 1
_PAGE = os.sysconf("SC_PAGE_SIZE")


class CallRefused(Exception):
    """A call that is not allowed. Nothing was asked of anybody."""


class CallFailed(Exception):
    """A call that was made and did not succeed."""

    def __init__(self, words: str, *, retryable: bool = False) -> None:
        super().__init__(words)
        self.retryable = retryable


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do with a script's text: call its function ``entry`` with ``arguments``."""

    source: str
    entry: str
    arguments: Sequence[Any]
    key: str
    attempt: int = 1
    finished: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """How it ended. ``outcome``: done, retry or fail as the script said, or ended (by us, for ``reason``)."""

    outcome: str
    outputs: Any = None
    words: str = ""
    after_seconds: float | None = None
    reason: str = ""
    log: str = ""
    calls: int = 0
    seconds: float = 0.0
    peak_mb: int = 0


class Broker(Protocol):
    """Answers a script's calls. ``begin`` and ``end`` are called in the thread that runs the script, and may use the
    database; what ``begin`` returns is called in another one, and may not."""

    def begin(self, endpoint: str, request: Mapping[str, Any], number: int, seconds: float) -> Callable[[], Any]:
        """Look whether the call may be made. Raises :class:`CallRefused`."""

    def end(self, error: Exception | None) -> None:
        """The call has ended, or is given up (with what stopped it)."""


@dataclass
class _Watched:
    """A running script."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    limits: Limits
    began: float = field(default_factory=time.monotonic)
    heard: bytearray = field(default_factory=bytearray)
    log: bytearray = field(default_factory=bytearray)
    logged: int = 0
    calls: int = 0
    asking: bool = False
    peak: int = 0

    @property
    def left(self) -> float:
        return self.began + self.limits.wall_seconds - time.monotonic()


class _Ended(Exception):
    """The script is to be ended now."""


def run(
    work: Work, limits: Limits, *, broker: Broker | None = None, wanted: Callable[[], bool] = lambda: True
) -> Result:
    """Run ``work`` to its end. Raises :class:`NoSandbox` where this host cannot confine it; it is then not run."""
    ours, theirs = socket.socketpair()
    watched = _Watched(_start(limits, theirs), ours, limits)
    theirs.close()
    try:
        with ThreadPoolExecutor(1, "boss-broker") as caller:
            try:
                said = _watch(watched, work, broker, wanted, caller)
            except _Ended as ended:
                if broker is not None and watched.asking:
                    broker.end(CallFailed(str(ended)))
                return _result(watched, "ended", reason=str(ended))
            finally:
                _end(watched)
        return _judged(watched, said)
    finally:
        _end(watched)
        ours.close()


def _start(limits: Limits, channel: socket.socket) -> subprocess.Popen[bytes]:
    try:
        filter_file = system_calls.as_file()
    except system_calls.NoFilter as error:
        raise NoSandbox(str(error)) from error
    try:
        return subprocess.Popen(  # noqa: S603 - a list, and nothing of it comes from outside
            command(limits, channel=channel.fileno(), filter_file=filter_file, harness=HARNESS),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(channel.fileno(), filter_file),
            start_new_session=True,
            env={},
            cwd="/",
        )
    except OSError as error:
        raise NoSandbox(str(error)) from error
    finally:
        os.close(filter_file)


def _watch(
    watched: _Watched, work: Work, broker: Broker | None, wanted: Callable[[], bool], caller: ThreadPoolExecutor
) -> bytes:
    """What the script said last, a line. Raises :class:`_Ended`."""
    _tell(watched, {
        "source": work.source, "entry": work.entry, "arguments": list(work.arguments), "key": work.key,
        "attempt": work.attempt, "finished": work.finished,
    })  # fmt: skip
    output = watched.process.stdout
    assert output is not None
    os.set_blocking(output.fileno(), False)
    watched.channel.setblocking(False)
    under_way: Future[Any] | None = None
    asked_at = measured_at = time.monotonic()
    gone_at: float | None = None
    with selectors.DefaultSelector() as waiting:
        waiting.register(output, selectors.EVENT_READ, _hear_log)
        waiting.register(watched.channel, selectors.EVENT_READ, _hear)
        while True:
            if watched.left <= 0:
                raise _Ended(_("it took longer than %(n)s seconds") % {"n": f"{watched.limits.wall_seconds:g}"})
            pause = _POLL_SECONDS if under_way is None else _POLL_SECONDS / 20
            for key, _events in waiting.select(min(pause, max(0.001, watched.left))):
                if not key.data(watched):
                    waiting.unregister(key.fileobj)
            if time.monotonic() - measured_at > _POLL_SECONDS:
                _measure(watched)
                measured_at = time.monotonic()
            if time.monotonic() - asked_at > _ASKED_EVERY:
                asked_at = time.monotonic()
                if not wanted():
                    raise _Ended(_("it was cancelled: its answer is not wanted any more"))
            if under_way is not None and under_way.done():
                if broker is not None and watched.asking:
                    watched.asking = False
                    broker.end(under_way.exception())  # type: ignore[arg-type]
                _tell(watched, _answer(under_way))
                under_way = None
            line = _next_line(watched) if under_way is None else None
            if line is not None:
                call = _as_call(line)
                if call is None:
                    _hear_rest(watched)
                    return line
                under_way = _ask(watched, call, broker, caller)
            elif watched.process.poll() is not None and under_way is None:
                gone_at = gone_at or time.monotonic()
                if time.monotonic() - gone_at > _GRACE_SECONDS or not waiting.get_map():
                    raise _Ended(_how_it_died(watched))


def _hear(watched: _Watched) -> bool:
    """Read of the channel; False at its end."""
    try:
        found = watched.channel.recv(65536)
    except BlockingIOError:
        return True
    except OSError:
        return False
    watched.heard += found
    if len(watched.heard) > watched.limits.answer_bytes and b"\n" not in watched.heard[: watched.limits.answer_bytes]:
        raise _Ended(_("it answered with more than %(n)s kB") % {"n": watched.limits.answer_bytes // 1024})
    return bool(found)


def _hear_log(watched: _Watched) -> bool:
    output = watched.process.stdout
    assert output is not None
    found = output.read(65536)
    if found is None:
        return True
    watched.logged += len(found)
    room = watched.limits.log_bytes - len(watched.log)
    watched.log += found[: max(0, room)]
    if watched.logged > _MOST_LOG:
        raise _Ended(_("it wrote more than %(n)s MB") % {"n": _MOST_LOG // 1024 // 1024})
    return bool(found)


def _hear_rest(watched: _Watched) -> None:
    """What was printed before the outcome was said may still be in the pipe."""
    until = time.monotonic() + _GRACE_SECONDS
    output = watched.process.stdout
    assert output is not None
    while time.monotonic() < until and watched.process.poll() is None:
        if not _hear_log(watched):
            return
        time.sleep(0.002)
    with contextlib.suppress(OSError):
        _hear_log(watched)


def _tell(watched: _Watched, message: Mapping[str, Any]) -> None:
    watched.channel.settimeout(max(0.05, min(5.0, watched.left)))
    try:
        watched.channel.sendall(json.dumps(message).encode() + b"\n")
    except TimeoutError:
        raise _Ended(_("it does not listen")) from None
    except OSError:
        raise _Ended(_how_it_died(watched)) from None
    finally:
        watched.channel.setblocking(False)


def _next_line(watched: _Watched) -> bytes | None:
    line, found, rest = watched.heard.partition(b"\n")
    if not found:
        return None
    watched.heard = bytearray(rest)
    return bytes(line)


def _as_call(line: bytes) -> dict[str, Any] | None:
    """The call a line is; None for an outcome, or for what cannot be read."""
    try:
        found = json.loads(line, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "call" in found else None


def _ask(watched: _Watched, call: dict[str, Any], broker: Broker | None, caller: ThreadPoolExecutor) -> Future[Any]:
    name, request = call["call"], call.get("request")
    watched.calls += 1
    if watched.calls > watched.limits.calls:
        return _refusal(_("A run of this script may make %(n)s calls.") % {"n": watched.limits.calls})
    if broker is None or not isinstance(name, str) or not isinstance(request, dict):
        return _refusal(_("There is nothing to call here."))
    try:
        work = broker.begin(name, request, watched.calls, max(0.05, watched.left))
    except CallRefused as error:
        return _refusal(str(error))
    watched.asking = True
    return caller.submit(work)


def _refusal(words: str) -> Future[Any]:
    refused: Future[Any] = Future()
    refused.set_exception(CallRefused(words))
    return refused


def _answer(call: Future[Any]) -> dict[str, Any]:
    try:
        return {"answer": call.result()}
    except CallRefused as error:
        return {"refused": True, "error": str(error)}
    except CallFailed as error:
        return {"error": str(error), "retryable": error.retryable}


def _measure(watched: _Watched) -> None:
    """All processes of the script together; each one's own limit is the kernel's."""
    used = sum(_resident(pid) for pid in _below(watched.process.pid))
    watched.peak = max(watched.peak, used)
    if used > watched.limits.memory_mb * 1024 * 1024 * 3 // 2:
        raise _Ended(_("it used more than %(n)s MB of memory") % {"n": watched.limits.memory_mb})


def _below(pid: int) -> list[int]:
    found, look = [], [pid]
    while look:
        one = look.pop()
        try:
            tasks = list(Path(f"/proc/{one}/task").iterdir())
            children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except (OSError, ValueError):
            continue
        found += children
        look += children
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[_RSS_PAGES_FIELD]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _how_it_died(watched: _Watched) -> str:
    with contextlib.suppress(subprocess.TimeoutExpired):
        watched.process.wait(_GRACE_SECONDS)
    status = watched.process.poll()
    number = -status if status is not None and status < 0 else status - 128 if status and status > 128 else 0
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return _("it used more than %(n)s seconds of the processor") % {"n": watched.limits.cpu_seconds}
    if number == signal.SIGSEGV:
        return _("it crashed (segmentation fault)")
    if number == signal.SIGXFSZ:
        return _("it tried to write a file")
    return _("it ended without an answer (status %(n)s)") % {"n": status}


def _judged(watched: _Watched, line: bytes) -> Result:
    """The outcome a script spoke, if it is one."""
    try:
        said = json.loads(line, parse_constant=_no_constant)
    except RecursionError:
        return _result(watched, "ended", reason=_("its answer is nested too deeply"))
    except ValueError:
        return _result(watched, "ended", reason=_("its answer is no JSON"))
    outcome = said.get("outcome") if isinstance(said, dict) else None
    if outcome == "done":
        return _result(watched, "done", outputs=said.get("outputs"), words=_text(said.get("note")))
    if outcome in ("fail", "retry"):
        after = said.get("after_seconds")
        seconds = float(after) if isinstance(after, int | float) and 0 <= after <= 86_400 else None
        return _result(watched, str(outcome), words=_text(said.get("error")), after_seconds=seconds)
    return _result(watched, "ended", reason=_("its answer is none of done, retry and fail"))


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _text(value: Any) -> str:
    return storable(value[:2000]) if isinstance(value, str) else ""


def storable(text: str) -> str:
    """Without what Postgres cannot hold."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()


def _result(watched: _Watched, outcome: str, **told: Any) -> Result:
    log = storable(watched.log.decode(errors="replace"))
    if watched.logged > len(watched.log):
        log += "\n" + _("… (%(n)s more bytes are left out)") % {"n": watched.logged - len(watched.log)}
    return Result(
        outcome, log=log, calls=watched.calls, seconds=time.monotonic() - watched.began,
        peak_mb=watched.peak // 1024 // 1024, **told,
    )  # fmt: skip


def _end(watched: _Watched) -> None:
    """Kill what is left. The first process of its name space takes everything in it along."""
    process = watched.process
    if process.poll() is None:
        below = _below(process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for pid in below[:1]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        # They are dead already; only the kernel's own tidying up is waited for.
        until = time.monotonic() + _GRACE_SECONDS
        while time.monotonic() < until and any(Path(f"/proc/{pid}").exists() for pid in below):
            time.sleep(0.002)
    if process.stdout is not None:
        process.stdout.close()
