"""A server in the test's own process, so that a clock the test moves is the clock of the pages as well."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application
from django.test.testcases import QuietWSGIRequestHandler
from django.utils import timezone

from boss.core import clock
from tests.cast import PASSWORD, Cast

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def served(real_db: str) -> Iterator[str]:
    """The address of the web application over real HTTP, without a slash at its end."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler)
    server.set_app(get_wsgi_application())
    at_work = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    at_work.start()
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    at_work.join()


@pytest.fixture
def here(cast: Cast, served: str) -> str:
    """The same, of Alice's realm."""
    return served.replace("localhost", "alpha.localhost")


@pytest.fixture
def person(browser: Browser, here: str) -> Iterator[Callable[..., Page]]:
    """``person("bob@alpha.example", "/console/")``: a browser of somebody's own, signed in, on that page."""
    contexts = []

    def opened(email: str, then: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(30_000)
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{here}/login/?next={then}")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/login/" not in url)
        page.wait_for_load_state()
        return page

    yield opened
    for context in contexts:
        context.close()


class Hand:
    """Sets the clock of the desk and of its pages; Django's own as well, by which it ends sessions and stamps rows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def set(self, moment: dt.datetime) -> None:
        self._monkeypatch.setattr(clock, "now", lambda: moment)
        self._monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    return Hand(monkeypatch)
