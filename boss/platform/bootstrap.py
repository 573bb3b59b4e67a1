"""Install the locked dependencies into `.venv` and go on inside it. Standard library only.

`manage.py` calls `ensure` before anything else. Once `.venv` fits the lock that costs a few milliseconds.
Otherwise, one process at a time:

1. `uv` is put into `.boss/tools` by pip, or, where Python came without pip, straight from the address and hash
   in `uv.lock`.
2. `uv sync --frozen` makes `.venv`. If it cannot, `venv` and pip do with the hashed `requirements.txt`.
3. A stamp beside `.venv` remembers for which lock, Python and set of packages that was.

Then the process is replaced by the same command under `.venv`'s Python. `BOSS_NO_BOOTSTRAP=1` switches all of it
off, for images that bring the packages themselves.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".boss"
VENV = ROOT / ".venv"
LOCK = ROOT / "uv.lock"
STAMP = STATE / "installed.json"
TOOLS = STATE / "tools"

PYTHON = (3, 11)

DEVELOPER_COMMANDS = frozenset({"test", "quality"})
"""Commands that need the development tools as well. All others get by with what the product itself needs."""

DOWNLOAD_SECONDS = 120


BEGAN = "BOSS_BEGAN"
_loaded_at = time.time()


def began_at() -> float:
    """When this command began, the installation included, as a Unix time.

    The process keeps its number when it goes on inside `.venv`; a variable inherited from a parent has another.
    """
    number, _space, moment = os.environ.get(BEGAN, "").partition(" ")
    return float(moment) if number == str(os.getpid()) else _loaded_at


class BootstrapError(SystemExit):
    """The dependencies cannot be installed. Printed without a traceback; exit status 1."""

    def __init__(self, message: str) -> None:
        super().__init__(f"boss: {message}")


def ensure(argv: Sequence[str]) -> None:
    """Return when this process runs on the locked packages; otherwise install them and replace the process."""
    if os.environ.get("BOSS_NO_BOOTSTRAP") == "1":
        return
    use_right_python(argv)

    developer = len(argv) > 1 and argv[1] in DEVELOPER_COMMANDS
    if not is_current(developer):
        try:
            with only_one_at_a_time():
                # Somebody else may have installed while we waited.
                if not is_current(developer):
                    install(developer or had_developer_tools())
        except OSError as trouble:
            raise BootstrapError(
                f"The dependencies cannot be kept in {ROOT}: {trouble}. "
                f"It must be writable for you (user {os.getuid()}) and have some 400 MB of room."
            ) from trouble
    if Path(sys.prefix).resolve() != VENV.resolve():
        go_on_inside(argv)


def use_right_python(argv: Sequence[str]) -> None:
    """Refuse another Python than 3.11, or go on with a 3.11 that is on the PATH."""
    if sys.version_info[:2] == PYTHON:
        return
    wanted = ".".join(map(str, PYTHON))
    found = shutil.which(f"python{wanted}")
    # A version manager's shim may be there without a Python behind it, so it is asked.
    if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
        os.execv(found, [found, *argv])
    raise BootstrapError(
        f"BOSS needs Python {wanted}, but this is Python {platform.python_version()} ({sys.executable}). "
        f"Install Python {wanted} and run it again with: python{wanted} {' '.join(argv)}"
    )


def wanted_stamp(developer: bool) -> dict[str, object]:
    """What `.venv` must have been made from to fit this checkout."""
    return {
        "lock": hashlib.sha256(LOCK.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "developer": developer,
    }


def read_stamp() -> dict[str, object]:
    """What `.venv` was made from; empty when unknown."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def had_developer_tools() -> bool:
    """True when the development tools are installed: an update keeps them."""
    return read_stamp().get("developer") is True


def is_current(developer: bool) -> bool:
    """True when `.venv` holds what the lock says. One with development tools also serves commands without need."""
    if not os.access(VENV / "bin" / "python", os.X_OK):
        return False
    stamp = read_stamp()
    return stamp == wanted_stamp(True) or (not developer and stamp == wanted_stamp(False))


@contextlib.contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold the installation lock, so that two commands started together do not install over one another."""
    STATE.mkdir(exist_ok=True)
    with open(STATE / "install.lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another command is installing the dependencies. Waiting for it.")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def install(developer: bool) -> None:
    """Bring `.venv` to the lock, with uv or else with pip, and stamp it."""
    began = time.monotonic()
    if VENV.exists() and not os.access(VENV, os.W_OK):
        raise PermissionError(errno.EACCES, f"it belongs to user {VENV.stat().st_uid}", str(VENV))
    say(f"Installing the locked dependencies{' and development tools' if developer else ''} into .venv ...")
    STAMP.unlink(missing_ok=True)
    try:
        sync_with_uv(developer)
    except (OSError, subprocess.CalledProcessError, BootstrapError) as trouble:
        say(f"uv could not do it ({describe(trouble)}). Trying venv and pip; this takes a minute or two.")
        sync_with_pip(developer)
    STAMP.write_text(json.dumps(wanted_stamp(developer)))
    say(f"Dependencies installed in {time.monotonic() - began:.1f} s.")


def sync_with_uv(developer: bool) -> None:
    """Make `.venv` with uv exactly as `uv.lock` says."""
    command = [str(uv_program()), "sync", "--frozen", "--python", base_python()]
    if not developer:
        command.append("--no-dev")
    if not sys.stderr.isatty():
        command.append("--quiet")
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    environment["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    # A hard link into the package cache fails across file systems, and uv warns; it copies then anyway.
    environment.setdefault("UV_LINK_MODE", "hardlink" if same_device_as_cache() else "copy")
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdin=subprocess.DEVNULL)


def sync_with_pip(developer: bool) -> None:
    """Make `.venv` with the standard library's venv and pip. Every file is checked against its committed hash."""
    requirements = ROOT / ("requirements-dev.txt" if developer else "requirements.txt")
    try:
        subprocess.run([base_python(), "-m", "venv", "--clear", str(VENV)], check=True, stdin=subprocess.DEVNULL)
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        if not sys.stdout.isatty():
            pip.append("--quiet")
        subprocess.run([*pip, "--require-hashes", "-r", str(requirements)], check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as trouble:
        raise BootstrapError(
            f"The dependencies could not be installed, neither with uv nor with pip ({describe(trouble)}). "
            "Is the package index reachable from here? Behind a proxy set HTTPS_PROXY; for a mirror configure pip."
        ) from trouble


def base_python() -> str:
    """The Python outside of `.venv`, as `.venv` cannot be rebuilt on itself."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def same_device_as_cache() -> bool:
    """True when uv's package cache and the checkout are on one file system."""
    cache = Path(os.environ.get("UV_CACHE_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser())
    while not cache.exists():
        cache = cache.parent
    return cache.stat().st_dev == ROOT.stat().st_dev


def uv_program() -> Path:
    """The path of the locked version of uv, fetched into `.boss/tools` when it is not there."""
    version, wheels = locked_uv()
    program = TOOLS / "bin" / "uv"
    marker = TOOLS / "uv.version"
    if program.exists() and marker.exists() and marker.read_text() == version:
        return program
    shutil.rmtree(TOOLS, ignore_errors=True)
    TOOLS.mkdir(parents=True)
    if not fetch_uv_with_pip(version):
        fetch_uv_from_lock(wheels, program)
    marker.write_text(version)
    return program


def locked_uv() -> tuple[str, list[dict[str, str]]]:
    """The version of uv that `uv.lock` names, and its wheels (`url`, `hash`)."""
    import tomllib  # here, so that a Python before 3.11 still gets as far as the clear refusal

    for package in tomllib.loads(LOCK.read_text())["package"]:
        if package["name"] == "uv":
            return package["version"], package["wheels"]
    raise BootstrapError("uv.lock does not name uv itself.")


def fetch_uv_with_pip(version: str) -> bool:
    """Install uv below `.boss/tools` with this Python's pip. False when there is no pip or it fails."""
    command = [base_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    # --target leaves Python itself alone, so Debian's "externally managed" refusal does not apply.
    command += ["--target", str(TOOLS), f"uv=={version}"]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return done.returncode == 0 and (TOOLS / "bin" / "uv").exists()


def fetch_uv_from_lock(wheels: list[dict[str, str]], program: Path) -> None:
    """Download uv's wheel as the lock gives it, check the hash and take the program out."""
    wheel = wheel_for_this_machine(wheels)
    with urllib.request.urlopen(wheel["url"], timeout=DOWNLOAD_SECONDS) as response:
        content = response.read()
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != wheel["hash"]:
        raise BootstrapError(f"{wheel['url']} does not have the hash that uv.lock gives.")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(archive.read(inside))
    program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def wheel_for_this_machine(wheels: list[dict[str, str]]) -> dict[str, str]:
    """The wheel whose tags name this system, processor and C library."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        tags = ["macosx", "arm64" if machine == "arm64" else "x86_64"]
    else:
        tags = ["manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux", machine]
    for wheel in wheels:
        if all(tag in wheel["url"] for tag in tags):
            return wheel
    raise BootstrapError(f"uv.lock has no uv for {sys.platform} on {machine}.")


def go_on_inside(argv: Sequence[str]) -> NoReturn:
    """Replace this process by the same command under `.venv`'s Python."""
    environment = dict(os.environ)
    if environment.pop("PYTHONDONTWRITEBYTECODE", None):
        # Without compiled files every start compiles all of Django again, five seconds of work.
        # They go where they litter nothing.
        environment.setdefault("PYTHONPYCACHEPREFIX", str(STATE / "pycache"))
    environment[BEGAN] = f"{os.getpid()} {_loaded_at}"
    python = str(VENV / "bin" / "python")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(python, [python, *argv], environment)


def describe(trouble: BaseException) -> str:
    """One line on what went wrong, for people."""
    if isinstance(trouble, subprocess.CalledProcessError):
        return f"{Path(trouble.cmd[0]).name} ended with status {trouble.returncode}"
    return str(trouble)


def say(line: str) -> None:
    """Print progress to standard error, so that a command's own output stays clean."""
    print(f"boss: {line}", file=sys.stderr, flush=True)
