"""The pytest plugin that brings the servers. Loaded by `-p` in pyproject.toml, before Django's settings are read.

Only the controlling process starts servers; pytest-xdist's workers inherit its environment and share them, each
with a database and a block of Valkey's numbered databases of its own.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from boss.platform.testing import environment
from boss.platform.testing.cluster import TemplateFailed, TestCluster

# At import, not in a hook: pytest-django reads the settings before any hook of ours could run.
environment.enter()

SERVERS = pytest.StashKey[TestCluster]()

NEEDS_NO_SERVERS = ("collectonly", "help", "version", "markers", "show_fixtures_per_test", "showfixtures")


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the controlling process."""
    if environment.is_xdist_worker() or any(config.getoption(name, False) for name in NEEDS_NO_SERVERS):
        return
    if "reliability" in config.option.markexpr:
        # It kills the server: what was committed must then be on disk.
        os.environ["BOSS_TEST_DURABLE"] = "1"
    cluster = TestCluster()
    try:
        cluster.start()
    except TemplateFailed as trouble:
        cluster.stop()
        pytest.exit(str(trouble), returncode=3)
    config.stash[SERVERS] = cluster


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop them and leave nothing behind."""
    cluster = config.stash.get(SERVERS, None)
    if cluster:
        cluster.stop()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks run only when asked for by name: they take minutes and want the machine for themselves."""
    if collection_path.name == "benchmarks" and not any("benchmarks" in argument for argument in config.args):
        return True
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a browser, so that `make test-fast` can leave it out; leave out what wants to be asked for."""
    for item in items:
        if {"page", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
    if "reliability" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("reliability")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the sums of what tests counted (``record_property("tally", {"what": how_many})``), over all processes."""
    tally: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "tally" and isinstance(value, dict):
                tally.update(value)
    if tally:
        terminalreporter.section("counted")
        for what, how_many in tally.items():
            terminalreporter.write_line(f"{how_many:>8} {what}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """With `BOSS_REQUIRE_ALL=1` (continuous integration) a skipped test is a failed one."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("BOSS_REQUIRE_ALL") == "1":  # type: ignore[attr-defined]
        report.outcome = "failed"  # type: ignore[attr-defined]
        report.longrepr = f"{item.nodeid} was skipped, but BOSS_REQUIRE_ALL=1 wants every test run: {report.longrepr}"  # type: ignore[attr-defined]
    return report
