"""DBOS doing the same five no-op steps, in processes of its own: ``rival_dbos.py DSN``; then ``run N`` lines on stdin.

Runs in the environment of the dependency group ``bench`` and imports nothing of BOSS.
"""

from __future__ import annotations

import sys

from dbos import DBOS

STEPS = 5
AT_ONCE = 4


@DBOS.step()
def step() -> None:
    return None


@DBOS.workflow()
def five() -> None:
    for _number in range(STEPS):
        step()


def main(dsn: str, name: str) -> None:
    DBOS(config={"name": "bench", "system_database_url": dsn, "executor_id": name, "log_level": "ERROR"})
    DBOS.launch()
    print("ready", flush=True)
    for line in sys.stdin:
        left = int(line.split()[1])
        while left:
            handles = [DBOS.start_workflow(five) for _ in range(min(AT_ONCE, left))]
            for handle in handles:
                handle.get_result()
            left -= len(handles)
        print("done", flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
