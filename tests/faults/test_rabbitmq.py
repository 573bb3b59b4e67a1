"""RabbitMQ instead of Valkey, the real server: the same promises, also when it is lost with everything in it."""
# ruff: noqa: F811 - fixtures that come from another module

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from boss.core import scoping
from boss.platform import addresses
from boss.platform.testing import rabbitmq
from boss.platform.testing.rabbitmq import RabbitMq
from tests.cast import Cast
from tests.faults.test_turns import Hire, calls, hire, overtaken, start, states, wait_for  # noqa: F401 - fixtures
from workflow.models import Run

pytestmark = [pytest.mark.lab, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMq]:
    if not rabbitmq.is_installed():
        pytest.skip(f"RABBITMQ IS NOT INSTALLED, NOTHING RUNS OVER IT: apt-get install {rabbitmq.PACKAGES}")
    broker = RabbitMq(tmp_path_factory.mktemp("rabbitmq"))
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
def broker(real_db: str, server: RabbitMq, workers: object) -> Iterator[RabbitMq]:
    """The server, with this test's processes pointed at it and nothing waiting in it."""
    with rabbitmq.broker_at(server.url):
        yield server
        workers.stop()  # type: ignore[attr-defined]
        server.kill()
        server.forget()
        server.start()


def test_a_workflow_runs_to_its_end_over_amqp(broker: RabbitMq, cast: Cast, hire: Hire) -> None:
    realm = cast.alpha.pk
    hire("quick")
    hire("slow")
    run_ids = start(realm, ["turns.quick", "turns.slow", "turns.quick", "turns.slow"], count=10)
    wait_for(lambda: set(states(realm, run_ids)) == {"done"}, 60)
    with scoping.realm_transaction(realm):
        assert set(Run.objects.filter(pk__in=run_ids).values_list("state", flat=True)) == {"completed"}
    with redis.Redis.from_url(addresses.redis_url(0)) as valkey:
        assert valkey.keys("*quick*") == valkey.keys("*slow*") == [], "nothing went the other way"


def test_lanes_are_served_in_turn_over_amqp_as_well(broker: RabbitMq, cast: Cast, hire: Hire) -> None:
    # It chooses among the lanes that have messages by chance instead of strictly in turn.
    assert overtaken(cast, hire, flood=2_000) <= 20


def test_a_broker_lost_with_all_its_messages_costs_seconds(
    broker: RabbitMq,
    cast: Cast,
    hire: Hire,
    workers: object,
    calls: Path,
) -> None:
    realm = cast.alpha.pk
    run_ids = start(realm, ["turns.call", "turns.quick", "turns.call"], count=40)
    hire("quick", 2)
    hire("slow", 2)
    workers.beat()  # type: ignore[attr-defined]
    wait_for(lambda: states(realm, run_ids).count("done") >= 10, 60)
    broker.kill()
    broker.forget()
    time.sleep(2)
    assert set(states(realm, run_ids)) - {"done"}, "it was lost too late"
    broker.start()
    wait_for(lambda: set(states(realm, run_ids)) == {"done"}, 180)
    with scoping.realm_transaction(realm):
        assert set(Run.objects.filter(pk__in=run_ids).values_list("state", flat=True)) == {"completed"}
