"""The tour, on real processes: a web server over HTTP, workers, the clock; nothing is looked up behind its back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from boss.platform.testing.databases import Furniture
from boss.platform.tour.stranger import NotAsExpected
from boss.platform.tour.tours import Guide
from boss.tenancy import selectors as tenancy
from tests.furniture import PROVIDERS

PASSWORD = "three-lakes-demo"
CHARLIE = "high-prairie-demo"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def furniture() -> Furniture:
    return PROVIDERS


@pytest.fixture
def guide(real_db: str, live_url: str, workers: Callable[..., object], told: list[str]) -> Iterator[Guide]:
    tenancy.forget_cached()
    workers(1, concurrency=2)
    workers.beat()
    port = live_url.rsplit(":", 1)[1]
    yield Guide(f"http://localhost:{port}", PASSWORD, told.append, charlie=(f"highprairie.localhost:{port}", CHARLIE))
    print("\n".join(told))


def test_from_sign_up_to_served(guide, told):
    guide.plain()
    assert sum(line.startswith("  ✓") for line in told) > 30


def test_a_server_that_is_down_makes_one_ticket_and_the_run_goes_on(guide):
    guide.failing("mail")


def test_a_reversed_run_leaves_nothing(guide):
    guide.reversed()


def test_workers_killed_in_the_middle_lose_and_double_nothing(guide, workers):
    def kill() -> str:
        workers.kill()
        workers(1, concurrency=2)
        return "killed every worker and started a new one"

    guide.killed(kill)


def test_the_tour_is_not_easily_pleased(guide):
    with pytest.raises(NotAsExpected, match="nothing fails by family astrology"):
        guide.failing("astrology")
