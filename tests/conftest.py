"""Fixtures of the whole suite: databases, real workers, the web over HTTP, a browser.

`db` (pytest-django) is a rolled-back transaction on the alias `default`. What needs real commits, the other two
database roles or other processes takes `real_db`, and `worker`, `workers` or `live_url` on top of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from boss.platform.testing import databases

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from pytest_django import DjangoDbBlocker

    from boss.platform.testing.processes import WorkerProcess, Workers

pytest_plugins = ["tests.cast", "tests.labs"]

# How long an example takes says something about the machine, not about the rule.
hypothesis.settings.register_profile(
    "boss",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("boss")

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--metrics-recording-only",
]


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A clone of the migrated template for this test process, instead of Django's own test database."""
    with django_db_blocker.unblock(), databases.own_database():
        yield


@pytest.fixture
def real_db(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, furniture: databases.Furniture | None
) -> Iterator[str]:
    """A fresh database for this test alone: real commits on all aliases, dropped afterwards. Its name.

    It holds ``furniture`` (``tests.cast``) from the start.
    """
    with django_db_blocker.unblock(), databases.fresh_database(furniture) as name:
        yield name


@pytest.fixture
def workers(real_db: str, tmp_path: Path) -> Iterator[Workers]:
    """`workers(n)` starts n real Celery workers on `real_db` and waits for each; `.beat()` the clock; `.kill()`."""
    from boss.platform.testing.processes import Workers  # Celery's application needs complete settings

    crew = Workers(tmp_path)
    try:
        yield crew
    finally:
        crew.end()


@pytest.fixture
def worker(workers: Workers) -> WorkerProcess:
    """One real Celery worker on `real_db` that answers."""
    return workers(1)[0]


@pytest.fixture
def live_url(real_db: str, tmp_path: Path) -> Iterator[str]:
    """The address of the web application over real HTTP on `real_db`; `*.localhost` with its port works too."""
    from boss.platform.testing.processes import WebServer

    server = WebServer(tmp_path)
    try:
        server.start()
        yield server.url
    finally:
        server.kill()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("NO BROWSER TEST RUN: Chromium is not installed. `make lab` installs it.")
    from playwright.sync_api import sync_playwright

    # Playwright's loop runs in this thread, and Django would refuse database work beside any running loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a context of its own: no cookies, phone and desktop sizes are up to the test."""
    context = browser.new_context()
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()
