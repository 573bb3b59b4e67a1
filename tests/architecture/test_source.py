"""Rules of the house that a reader of the source can check: what no file may say, and who alone may say it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, SOURCES, name_of, trees, walk


def attributes(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr, node.lineno


def test_only_tenancy_and_the_walls_look_past_the_first_wall():
    allowed = ("boss/tenancy/", "boss/core/scoping.py", "boss/core/walls.py")
    found = [
        f"{name}:{line}" for name, tree in trees(but=allowed) for attr, line in attributes(tree) if attr == "unscoped"
    ]
    assert found == []


def test_nobody_asks_for_a_model_by_name_to_dodge_an_import():
    found = [f"{name}:{line}" for name, tree in trees() for attr, line in attributes(tree) if attr == "get_model"]
    assert found == []


def test_nothing_hangs_on_model_signals():
    signals = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed", "pre_init", "post_init", "receiver"}
    found = []
    for name, tree in trees():
        for node in walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in ("django.db.models.signals", "django.dispatch"):
                found += [f"{name}:{node.lineno} {alias.name}" for alias in node.names if alias.name in signals]
    assert found == []


def test_a_state_is_moved_by_its_transitions_only():
    """Every FSMField is protected, and no transition starts from anywhere."""
    found = []
    for name, tree in trees():
        for node in walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if called == "FSMField" and not (
                isinstance(given.get("protected"), ast.Constant) and given["protected"].value
            ):
                found.append(f"{name}:{node.lineno} FSMField is not protected")
            source = given.get("source")
            if called == "transition" and (
                source is None or (isinstance(source, ast.Constant) and source.value in ("*", "+"))
            ):
                found.append(f"{name}:{node.lineno} a transition from anywhere")
    assert found == []


def test_services_take_keywords_with_the_actor_first():
    found = []
    for name, tree in trees():
        for node in walk(tree):
            decorated = isinstance(node, ast.FunctionDef) and any(
                isinstance(each, ast.Name) and each.id == "service" for each in node.decorator_list
            )
            if decorated:
                first = node.args.kwonlyargs[0].arg if node.args.kwonlyargs else ""
                if node.args.args or node.args.posonlyargs or first != "actor":
                    found.append(f"{name}:{node.lineno} {node.name}")
    assert found == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "misc"])
def test_no_drawer_without_a_name(word):
    assert [name_of(path) for path in SOURCES if path.stem == word] == []


def test_no_file_has_grown_beyond_reading():
    """House: about 400 lines. Contracts are read in one piece and may be longer."""
    sizes = {name_of(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: size for name, size in sizes.items() if size > 480} == {}


def test_no_work_is_left_for_later():
    words = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
    found = [
        f"{name_of(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if any(word in line.split() or f"{word}:" in line for word in words)
    ]
    assert found == []


def test_every_driver_is_a_small_folder_alike():
    """``driver.py``, ``README.md`` and ``lab/``; only the simulator needs no lab, its servers are tables."""
    drivers = sorted((ROOT / "ipservices/drivers").iterdir())
    for folder in (path for path in drivers if path.is_dir() and path.name[0] != "_"):
        wanted = {"driver.py", "README.md"} | ({"lab"} if folder.name != "simulator" else set())
        assert wanted <= {path.name for path in folder.iterdir()}, folder.name


def test_the_engine_has_no_clock_of_its_own():
    """Leases, retries and timers compare the database's clock only; a process may measure spans, nothing else."""
    clocks = {"now", "utcnow", "today"}
    found = []
    for name, tree in trees():
        if not name.startswith("workflow/"):
            continue
        for node in walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
            if (owner in ("datetime", "date", "timezone", "clock") and node.attr in clocks) or (
                (owner, node.attr) == ("time", "time")
            ):
                found.append(f"{name}:{node.lineno}")
    assert found == []
