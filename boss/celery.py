"""The Celery application. Celery only wakes workers: what is due stands in PostgreSQL, so a lost message loses nothing.

Beat entries stand in `BEAT` below, one line each, by the name of a task: the one place that says what runs by the
clock. An app outside of this house adds its own with `app.conf.beat_schedule["name"] = …` in its `tasks.py`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable

from celery import Celery
from celery.app.amqp import AMQP, Queues
from celery.schedules import crontab
from celery.signals import setup_logging, task_prerun
from django.conf import settings
from django.db import close_old_connections
from kombu import Queue

from boss.core import lanes, logs
from boss.platform import addresses

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "boss.settings.dev")

LONGEST_TASK_SECONDS = 900
"""A task that takes longer is stopped. Long work is cut into workflow steps, each with its own lease."""

SLOW = {"queue": "slow", "expires": 240}
OFTEN_SLOW = {"queue": "slow", "expires": 30}
"""For work that walks over every server or table: it must not stand before what somebody waits for."""

BEAT: dict[str, dict[str, object]] = {
    "core.relay_sweep": {"task": "core.relay_sweep", "schedule": 5.0},
    "core.seal_audit": {"task": "core.seal_audit", "schedule": 10.0},
    "core.scan_files": {"task": "core.scan_files", "schedule": 30.0, "options": OFTEN_SLOW},
    "core.drop_files": {"task": "core.drop_files", "schedule": 3600.0, "options": SLOW},
    "core.sweep_exports": {"task": "core.sweep_exports", "schedule": 60.0, "options": SLOW},
    "core.check_audit": {
        "task": "core.check_audit",
        "schedule": crontab(hour="3", minute="0"),
        "options": SLOW,
    },
    "workflow.sweep": {"task": "workflow.sweep", "schedule": 2.0},
    "tenancy.tidy_up": {"task": "tenancy.tidy_up", "schedule": 3600.0, "options": SLOW},
    "ticketing.sweep_texts": {"task": "ticketing.sweep_texts", "schedule": 3600.0, "options": SLOW},
    "ticketing.let_answers_go": {"task": "ticketing.let_answers_go", "schedule": 3.0, "options": OFTEN_SLOW},
    "ticketing.sweep_mail": {"task": "ticketing.sweep_mail", "schedule": 10.0, "options": OFTEN_SLOW},
    "ticketing.fetch_mail_due": {"task": "ticketing.fetch_mail_due", "schedule": 10.0, "options": OFTEN_SLOW},
    "notify.sweep": {"task": "notify.sweep", "schedule": 10.0, "options": OFTEN_SLOW},
    "ticketing.escalate": {"task": "ticketing.escalate", "schedule": 20.0, "options": OFTEN_SLOW},
    "ticketing.mail_reports": {"task": "ticketing.mail_reports", "schedule": 60.0, "options": SLOW},
    "ipservices.sweep": {"task": "ipservices.sweep", "schedule": 30.0},
    "ipservices.check_health": {"task": "ipservices.check_health", "schedule": 60.0, "options": SLOW},
    "ipservices.see_leases": {"task": "ipservices.see_leases", "schedule": 60.0, "options": SLOW},
    "ipservices.publish_networks": {"task": "ipservices.publish_networks", "schedule": 60.0, "options": SLOW},
    "ipservices.read_usage": {"task": "ipservices.read_usage", "schedule": 300.0, "options": SLOW},
    "ipservices.sweep_turns": {"task": "ipservices.sweep_turns", "schedule": 30.0, "options": OFTEN_SLOW},
    "ipservices.settle_outages": {"task": "ipservices.settle_outages", "schedule": 300.0, "options": SLOW},
    "ipservices.compare_all": {
        "task": "ipservices.compare_all",
        "schedule": crontab(hour="1", minute="15"),
        "options": SLOW,
    },
    "subscribers.move_in": {"task": "subscribers.move_in", "schedule": 600.0, "options": SLOW},
    "subscribers.collect": {"task": "subscribers.collect", "schedule": crontab(hour="4", minute="0"), "options": SLOW},
    "subscribers.bill": {
        "task": "subscribers.bill",
        "schedule": crontab(day_of_month="1", hour="2", minute="0"),
        "options": SLOW,
    },
    # Hourly and for what has not run today: a run that was stopped goes on within the hour.
    "privacy.retain": {"task": "privacy.retain", "schedule": 3600.0, "options": SLOW},
    "privacy.sweep": {"task": "privacy.sweep", "schedule": 60.0, "options": SLOW},
    "ipservices.compact_free_ranges": {
        "task": "ipservices.compact_free_ranges",
        "schedule": crontab(hour="3", minute="30"),
        "options": SLOW,
    },
}
"""What runs by the clock: name → task name and seconds (or a crontab)."""


class LanedQueues(Queues):  # type: ignore[misc]
    """A worker that is told to serve ``quick`` or ``slow`` serves all lanes of the kind."""

    def select(self, include: Iterable[str] | str | None) -> None:
        named = [include] if isinstance(include, str) else list(include or ())
        super().select([queue for name in named for queue in (lanes.all_of(name) if name in lanes.KINDS else [name])])


class LanedAmqp(AMQP):  # type: ignore[misc]
    queues_cls = LanedQueues


def transport_options() -> dict[str, object]:
    """What this kind of broker needs to be told; those of another kind would be refused by name."""
    if not addresses.broker_url().startswith(("redis", "rediss", "valkey", "unix")):
        return {}
    return {
        # It must exceed the longest task, or the broker hands a running one to a second worker.
        "visibility_timeout": LONGEST_TASK_SECONDS * 2,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        # Lanes are served in turn; queues by priority, which nobody uses, would be four times as many to ask.
        "queue_order_strategy": "round_robin",
        "priority_steps": [0],
    }


app = Celery("boss", amqp=LanedAmqp)
app.conf.update(
    broker_url=addresses.broker_url(),
    result_backend=addresses.result_url(),
    broker_connection_retry_on_startup=True,
    broker_transport_options=transport_options(),
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    task_time_limit=LONGEST_TASK_SECONDS,
    task_soft_time_limit=LONGEST_TASK_SECONDS - 30,
    result_expires=600,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_max_tasks_per_child=2000,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    task_default_queue="quick",
    task_queues=[Queue(name, routing_key=name) for kind in lanes.KINDS for name in lanes.all_of(kind)],
    # A message that waits for a broker must not hold up a web request; the sweep finds what was not rung for.
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0.1, "interval_max": 0.2},
    timezone="UTC",
    beat_schedule={
        # A wake-up that nobody fetched before the next one is of no use any more.
        name: {"options": {"expires": 30}, **entry}
        for name, entry in BEAT.items()
    },
    beat_max_loop_interval=1,
    beat_schedule_filename=str(addresses.STATE / addresses.kind() / "beat-schedule"),
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Celery closes every database connection before and after each task, and opening one costs more than most of our
# tasks do. So they are kept, and looked after the way Django does between requests.
app.conf["CELERY_DB_REUSE_MAX"] = 10**12


@task_prerun.connect(weak=False)
def close_broken_connections(**_given: object) -> None:
    """Before each task: close connections that broke or grew old; the others are checked at their first use."""
    close_old_connections()


@setup_logging.connect(weak=False)
def log_as_django_does(loglevel: int | None = None, **_given: object) -> None:
    """Celery's own set-up would write beside ours, unmasked. Its ``--loglevel`` is obeyed."""
    logs.configure(settings.LOGGING)
    if loglevel is not None:
        logging.getLogger().setLevel(loglevel)
