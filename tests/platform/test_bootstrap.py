"""What decides whether anything is installed, and that a wrong Python is refused in plain words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boss.platform import bootstrap


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with a lock and a `.venv` that looks like one."""
    monkeypatch.setattr(bootstrap, "LOCK", tmp_path / "uv.lock")
    monkeypatch.setattr(bootstrap, "STATE", tmp_path / ".boss")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".boss" / "installed.json")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    (tmp_path / "uv.lock").write_text("version = 1\n")
    (tmp_path / ".boss").mkdir()
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    return tmp_path


def stamp(developer: bool) -> None:
    bootstrap.STAMP.write_text(json.dumps(bootstrap.wanted_stamp(developer)))


def test_an_empty_checkout_is_installed(checkout: Path) -> None:
    assert not bootstrap.is_current(developer=False)


def test_what_fits_the_lock_is_left_alone(checkout: Path) -> None:
    stamp(developer=False)

    assert bootstrap.is_current(developer=False)


def test_a_changed_lock_is_installed_again(checkout: Path) -> None:
    stamp(developer=True)
    (checkout / "uv.lock").write_text("version = 2\n")

    assert not bootstrap.is_current(developer=False)
    assert bootstrap.had_developer_tools(), "an update must keep the tools"


def test_tests_want_the_developer_tools_and_up_is_content_with_them(checkout: Path) -> None:
    stamp(developer=False)
    assert not bootstrap.is_current(developer=True)

    stamp(developer=True)
    assert bootstrap.is_current(developer=True)
    assert bootstrap.is_current(developer=False)


def test_a_removed_environment_is_noticed(checkout: Path) -> None:
    stamp(developer=True)
    (checkout / ".venv" / "bin" / "python").unlink()

    assert not bootstrap.is_current(developer=False)


def test_a_spoilt_stamp_counts_as_none(checkout: Path) -> None:
    bootstrap.STAMP.write_text("{")

    assert not bootstrap.is_current(developer=False)


def test_pip_takes_over_where_uv_cannot(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def no_uv(developer: bool) -> None:
        raise subprocess.CalledProcessError(2, ["uv", "sync"])

    monkeypatch.setattr(bootstrap, "sync_with_uv", no_uv)
    monkeypatch.setattr(bootstrap, "sync_with_pip", called.append)

    bootstrap.install(developer=False)

    assert called == [False]
    assert bootstrap.is_current(developer=False)


def test_a_failed_installation_leaves_no_stamp(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(developer: bool) -> None:
        raise bootstrap.BootstrapError("no index")

    stamp(developer=False)
    (checkout / "uv.lock").write_text("version = 2\n")
    monkeypatch.setattr(bootstrap, "sync_with_uv", fail)
    monkeypatch.setattr(bootstrap, "sync_with_pip", fail)

    with pytest.raises(bootstrap.BootstrapError):
        bootstrap.install(developer=False)

    assert bootstrap.read_stamp() == {}


def test_another_python_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 13, 1))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)

    with pytest.raises(bootstrap.BootstrapError, match=r"needs Python 3\.11"):
        bootstrap.use_right_python(["manage.py", "up"])


def test_the_lock_names_the_installer_with_hashes() -> None:
    version, wheels = bootstrap.locked_uv()

    assert version
    assert bootstrap.wheel_for_this_machine(wheels)["hash"].startswith("sha256:")


def test_without_bytecode_in_the_tree_it_is_kept_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    gone: list[dict[str, str]] = []

    def exec_instead(path: str, argv: list[str], environment: dict[str, str]) -> None:
        gone.append(environment)

    monkeypatch.setattr(os, "execve", exec_instead)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)

    bootstrap.go_on_inside(["manage.py", "check"])

    assert "PYTHONDONTWRITEBYTECODE" not in gone[0]
    assert gone[0]["PYTHONPYCACHEPREFIX"] == str(bootstrap.STATE / "pycache")


def test_a_checkout_that_cannot_be_written_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A file where the directory should be: stands for all that keeps us from writing, for root as well.
    monkeypatch.setattr(bootstrap, "STATE", checkout / "uv.lock" / ".boss")

    with pytest.raises(bootstrap.BootstrapError, match="must be writable for you"):
        bootstrap.ensure(["manage.py", "check"])
