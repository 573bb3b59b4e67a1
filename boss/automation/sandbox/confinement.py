"""The command line a script is started with: what it sees of the machine, and how much it may use.

It sees Python's own library, read-only, and nothing else: no file of ours, no place to write, no network, no other
process, an empty environment. Two ways, decided by who we are:

- an ordinary user: bubblewrap makes a user name space in which the script is user 65534;
- root (a container that runs everything as root): bubblewrap needs no user name space, and the script becomes a user
  of its own that nobody else is, so that the limit on processes, from which the kernel spares root, holds for it.
"""

from __future__ import annotations

import functools
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

_NOBODY = "65534"
_FIRST_OWN_USER, _OWN_USERS = 1_879_048_192, 1 << 20
"""Users nobody else uses: above what distributions, containers and directory services hand out."""
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_BOUND = ("_bz2", "_ctypes", "_decimal", "_hashlib", "_lzma", "_sqlite3", "_ssl", "_uuid", "pyexpat", "zlib")
"""Modules of the standard library that stand on libraries of the system."""
_PROGRAMS = ("bwrap", "prlimit", "setpriv")


class NoSandbox(RuntimeError):
    """This host cannot confine a script; the message says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one script may use. ``memory_mb`` holds for each of its processes and for all of them together."""

    wall_seconds: float = 10.0
    cpu_seconds: int = 5
    memory_mb: int = 128
    processes: int = 8
    answer_bytes: int = 256 * 1024
    log_bytes: int = 32 * 1024
    calls: int = 20


def command(limits: Limits, *, channel: int, filter_file: int, harness: str) -> list[str]:
    """Everything up to and with Python running ``harness``, which finds its channel under the number it is told.

    Raises :class:`NoSandbox` where a program is missing.
    """
    programs = _programs()
    as_root = os.geteuid() == 0
    line = [programs["bwrap"], "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    if as_root:
        line += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        line += ["--unshare-user", "--disable-userns", "--uid", _NOBODY, "--gid", _NOBODY]
    seen = _seen(as_root=as_root)
    for parent in sorted({str(parent) for place in seen for parent in Path(place).parents} - {"/"}):
        line += ["--perms", "0755", "--dir", parent]
    for place in seen:
        line += ["--ro-bind", place, place]
    for place in _hidden():
        line += ["--tmpfs", place, "--remount-ro", place]
    for device in _DEVICES:
        line += ["--dev-bind", device, device]
    line += ["--remount-ro", "/", "--chdir", "/", "--seccomp", str(filter_file), "--"]
    memory = limits.memory_mb * 1024 * 1024
    line += [programs["prlimit"], f"--cpu={limits.cpu_seconds}:{limits.cpu_seconds + 1}", f"--as={memory}"]
    line += [f"--nproc={limits.processes}", "--fsize=0", "--nofile=64", "--core=0", "--memlock=0", "--msgqueue=0", "--"]
    if as_root:
        own = str(_FIRST_OWN_USER + secrets.randbelow(_OWN_USERS))
        line += [programs["setpriv"], f"--reuid={own}", f"--regid={own}", "--clear-groups", "--no-new-privs"]
        line += ["--bounding-set=-all", "--inh-caps=-all", "--"]
    # Nothing of the installation's own packages (-I, -S), nothing written (-B).
    return [*line, _python(), "-I", "-S", "-B", "-X", "utf8", "-c", harness, str(channel)]


@functools.cache
def _programs() -> dict[str, str]:
    found = {name: shutil.which(name) for name in _PROGRAMS}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        raise NoSandbox(f"not installed: {', '.join(missing)}")
    return {name: str(place) for name, place in found.items()}


def _python() -> str:
    """The interpreter itself, behind whatever links lead to it."""
    return os.path.realpath(sys.executable)


@functools.cache
def _library() -> str:
    """Where this interpreter's standard library lies, whatever virtual environment we run in."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for base in (sys.base_prefix, sys.base_exec_prefix):
        place = Path(sysconfig.get_path("stdlib", vars={"installed_base": base, "base": base}))
        if (place / "os.py").exists():
            return str(place)
    raise NoSandbox(f"the library of {version} was not found")


@functools.cache
def _seen(*, as_root: bool) -> tuple[str, ...]:
    """Python, its library, and the shared libraries of what is run."""
    programs = _programs()
    started = [programs["prlimit"], _python(), *([programs["setpriv"]] if as_root else [])]
    modules = [
        str(path) for path in sorted(Path(_library(), "lib-dynload").glob("*.so")) if path.name.split(".")[0] in _BOUND
    ]
    asked = subprocess.run(["ldd", *started, *modules], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603, S607
    libraries = set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", asked.stdout, re.MULTILINE))
    if not libraries:
        raise NoSandbox("ldd does not tell which libraries Python needs")
    return (*started, _library(), *sorted(libraries))


@functools.cache
def _hidden() -> tuple[str, ...]:
    """Packages installed beside the standard library are nobody's business."""
    return tuple(str(path) for name in ("site-packages", "dist-packages") if (path := Path(_library(), name)).is_dir())
