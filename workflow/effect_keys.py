"""The keys that name a task's effect: made here, and read here by whoever wants to know which run did something."""

from __future__ import annotations

import re

_KEY = re.compile(r"wf-[0-9]+-([0-9a-hjkmnp-tv-z]{12})-")


def of_task(realm_id: int, run_address: str, task_key: str, generation: int) -> str:
    """The same over all attempts of a task, different for every task of every run, and for each time the task is done
    anew after it was taken back."""
    again = f"-{generation}" if generation else ""
    return f"wf-{realm_id}-{run_address}-{task_key}{again}"


def run_of(key: str) -> str:
    """The public id of the run whose task a key names; empty for the key of something else."""
    found = _KEY.match(key)
    return found.group(1) if found else ""
