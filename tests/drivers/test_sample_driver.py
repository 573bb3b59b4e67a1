"""A driver in a package of its own is installed, found by its entry point, and passes the kit on one's own server."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform import addresses, bootstrap
from ipservices import registry
from ipservices.models import Binding
from ipservices.services import bindings
from tests.cast import Cast

SAMPLE = addresses.ROOT / "docs" / "how-to" / "sample_driver"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The sample in a directory of its own, as pip puts it into BOSS's environment."""
    place, source = tmp_path / "packages", tmp_path / "source"
    shutil.copytree(SAMPLE, source)  # building leaves its traces
    command = [str(bootstrap.uv_program()), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable]
    subprocess.run([*command, "--target", str(place), str(source)], check=True, timeout=300)
    monkeypatch.syspath_prepend(str(place))
    registry.register_entry_points()
    try:
        yield place
    finally:
        registry.drivers._items.pop("acme_drop", None)  # no other test knows it


@pytest.fixture
def server(tmp_path: Path, installed: Path, real_db: str, cast: Cast, settings: Any) -> Binding:
    """Its product: a directory with a key, and a word that it serves."""
    directory = tmp_path / "drop"
    directory.mkdir()
    (directory / "key").write_text("right\n")
    (directory / "serving").touch()
    settings.BOSS_DRIVER_DIRECTORIES = [str(tmp_path)]
    with scoping.realm_transaction(cast.alpha.pk):
        made: Binding = bindings.create(
            actor=Actor.system(cast.alpha.pk), family="data", driver_key="acme_drop", name="Acme",
            settings={"directory": str(directory)}, secrets={"key": "right"},
        )  # fmt: skip
    return made


def test_the_sample_is_found_by_its_entry_point_and_keeps_every_promise(
    server: Binding, cast: Cast, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("driver", "list")
    assert "acme_drop" in capsys.readouterr().out

    call_command("driver", "check", "--realm", cast.alpha.key, "Acme")

    said = capsys.readouterr().out
    assert "0 broken" in said
    assert "ok     data.service     twenty_parallel" in said
    assert sorted(path.name for path in (tmp_path / "drop").iterdir()) == ["key", "serving"]


def test_a_directory_that_nobody_allowed_is_not_touched(server: Binding, cast: Cast, settings: Any) -> None:
    settings.BOSS_DRIVER_DIRECTORIES = []

    with pytest.raises(CommandError):
        call_command("driver", "check", "--realm", cast.alpha.key, "Acme")
