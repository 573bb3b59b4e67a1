"""The process below `manage.py up` that builds the schema and the demo: `python -m boss.platform.builder`.

It imports Django while the supervisor starts the servers, and says `{"done": "import"}`. Then it does what it is
told, one word per line on standard input (`schema`, `demo`, `rest`), and answers on standard output with one JSON
object per line: `{"progress": …}` while it works, `{"done": word, …}` at the end, `{"failed": …}` when it cannot.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import django
from django.core.management import call_command
from django.db import connections, transaction


def main() -> int:
    """Import all of BOSS, then follow the supervisor's words until it closes the line."""
    # Whatever prints inside a migration or a seed must not end up among the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def answer(**facts: Any) -> None:
        answers.write(json.dumps(facts) + "\n")
        answers.flush()

    django.setup()
    answer(done="import")
    steps: dict[str, Callable[[Callable[..., None]], dict[str, Any]]] = {
        "schema": build_schema,
        "demo": seed_demo,
        "rest": seed_rest,
    }
    for line in sys.stdin:
        word = line.strip()
        try:
            facts = steps[word](answer)
        except Exception as trouble:  # noqa: BLE001 - whatever it is: the supervisor tells it; the traceback is in the log
            traceback.print_exc()
            answer(failed=f"{type(trouble).__name__}: {trouble}", step=word)
            return 1
        answer(done=word, **facts)
    return 0


def build_schema(answer: Callable[..., None]) -> dict[str, Any]:
    """Migrate as the owner, which also raises row-level security, and check that wall as the application."""
    from boss.core import scoping, walls
    from boss.platform.quick_migrations import folded

    with folded():
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
    with scoping.enter(None), transaction.atomic():
        holes = walls.faults(connections["default"])
    if holes:
        raise RuntimeError("row-level security has holes: " + "; ".join(f"{what} {where}" for what, where in holes))
    return {}


def seed_demo(answer: Callable[..., None]) -> dict[str, Any]:
    """Make what the first page needs; the log-ins and hints for people."""
    from boss.platform import demo
    from boss.platform.demo.hashing import quick_passwords

    with quick_passwords():
        demo.seed_minimum()
    return {
        "logins": [[login.who, login.email, login.password, login.path] for login in demo.logins()],
        "try_first": demo.try_first(),
    }


def seed_rest(answer: Callable[..., None]) -> dict[str, Any]:
    """Make the bulk of the demo, telling the progress."""
    from boss.platform import demo
    from boss.platform.demo.hashing import quick_passwords

    with quick_passwords():
        for progress in demo.seed_rest():
            answer(progress=[progress.what, progress.done, progress.total])
    return {}


if __name__ == "__main__":
    sys.exit(main())
