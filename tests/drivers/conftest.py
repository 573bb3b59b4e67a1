"""Servers of the conformance kit: one database with real commits, simulated servers, and every real one there is."""

from __future__ import annotations

import importlib
import os
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from boss.platform import lab as platform_lab
from boss.platform.testing import databases
from boss.tenancy import selectors
from ipservices.conformance import CHECKS, Bench
from ipservices.conformance.real import ServerBench
from ipservices.drivers.simulator.bench import SimulatorBench
from tests import cast as the_cast
from tests.labs import Labs

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="module")
def kit(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[the_cast.Cast]:
    """A fresh database with the cast, open for the whole module."""
    with django_db_blocker.unblock(), databases.fresh_database():
        selectors.forget_cached()
        yield the_cast.build()
        selectors.forget_cached()


class Benches:
    """Benches made so far in this module."""

    def __init__(self, realm_id: int) -> None:
        self.realm_id = realm_id
        self._simulated: dict[str, Bench] = {}
        self._real: dict[str, dict[str, ServerBench[Any]]] = {}

    def simulated(self, full_kind: str) -> Bench:
        if full_kind not in self._simulated:
            self._simulated[full_kind] = SimulatorBench(self.realm_id, full_kind)
        return self._simulated[full_kind]

    def real(self, folder: str, full_kind: str, labs: Labs) -> Bench:
        return self._at(labs, folder, "")[full_kind]

    def _at(self, labs: Labs, folder: str, instance: str) -> dict[str, ServerBench[Any]]:
        key, lab = f"{folder}{instance}", labs.of(folder, instance)
        if key not in self._real:
            module = importlib.import_module(f"ipservices.drivers.{folder}.lab.bench")
            which = {"instance": instance} if instance else {}
            self._real[key] = {bench.full_kind: bench for bench in module.benches(lab, self.realm_id, **which)}
            for full_kind, bench in self._real[key].items():
                bench.beside = partial(self._beside, labs, folder, full_kind)
        return self._real[key]

    def _beside(self, labs: Labs, folder: str, full_kind: str) -> ServerBench[Any]:
        return self._at(labs, folder, "-beside")[full_kind]


@pytest.fixture(scope="module")
def benches(kit: the_cast.Cast) -> Benches:
    return Benches(kit.alpha.pk)


@pytest.fixture
def bench(request: pytest.FixtureRequest, benches: Benches) -> Bench:
    """The server named by the test's parameter, empty of the object under test."""
    product, full_kind = request.param
    if product == "simulator":
        found = benches.simulated(full_kind)
    else:
        found = benches.real(product, full_kind, request.getfixturevalue("labs"))
    found.reset()
    return found


def real_labels() -> list[tuple[str, str]]:
    """Folder and kind of every real driver's bench, from its driver's capabilities: nothing is started for it."""
    labels: list[tuple[str, str]] = []
    for folder in platform_lab.modules():
        driver = importlib.import_module(f"ipservices.drivers.{folder}.driver")
        [kind] = [
            one for one in vars(driver).values()
            if isinstance(one, type) and getattr(one, "key", None) == folder
        ]  # fmt: skip
        labels += [(folder, full_kind) for full_kind in sorted(kind.capabilities().kinds)]
    return labels


# The table


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what the kit found, driver by driver and check by check; ``BOSS_DRIVERS_PAGE`` names a file for it too."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for outcome, sign in (("passed", "kept"), ("failed", "BROKEN"), ("error", "BROKEN"), ("skipped", "not run")):
        for report in terminalreporter.stats.get(outcome, []):
            _test, bracket, label = report.nodeid.partition("promises[")
            if bracket:
                driver, _dash, check = label.rstrip("]").rpartition("-")
                found[driver][check] = "–" if ("means nothing", True) in report.user_properties else sign
    if not found:
        return
    lines = table(found)
    terminalreporter.write_line("")
    for line in lines:
        terminalreporter.write_line(line)
    page = os.environ.get("BOSS_DRIVERS_PAGE")
    if page:
        path = Path(page)
        before, _mark, _old = path.read_text().partition(_MARK)
        path.write_text(before + _MARK + "\n\n" + "\n".join(lines) + "\n")


_MARK = "<!-- The rest of this page is written by `make drivers`. -->"


def table(found: dict[str, dict[str, str]]) -> list[str]:
    """Markdown: a row for each driver and kind, a column for each check by its number, and what the numbers mean."""
    numbers = {check.key: number for number, check in enumerate(CHECKS, start=1)}
    lines = ["| driver | kind | " + " | ".join(str(number) for number in numbers.values()) + " |"]
    lines.append("|---|---|" + "---|" * len(numbers))
    for label in sorted(found, key=lambda one: (not one.startswith("simulator"), one)):
        driver, _dash, kind = label.partition("-")
        cells = " | ".join(found[label].get(key, "not run") for key in numbers)
        lines.append(f"| `{driver}` | `{kind}` | {cells} |")
    return [*lines, "", *(f"{number}. `{key}`: {_title(key)}" for key, number in numbers.items())]


def _title(key: str) -> str:
    return next(str(check.title) for check in CHECKS if check.key == key)
