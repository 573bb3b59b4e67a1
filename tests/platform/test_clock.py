"""What runs by the clock exists."""

from __future__ import annotations

from boss.celery import BEAT, app


def test_every_entry_of_the_clock_names_a_task() -> None:
    app.loader.import_default_modules()

    assert [entry["task"] for entry in BEAT.values() if entry["task"] not in app.tasks] == []
