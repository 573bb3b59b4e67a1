"""Start-up check of the second wall, as the application role sees it."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections, transaction

from boss.core import walls


@register(Tags.database)
def second_wall_stands(app_configs: Any, databases: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Runs with ``check --database default`` and when the platform starts."""
    if not databases or "default" not in databases:
        return []
    with transaction.atomic(using="default"):
        found = walls.faults(connections["default"])
    return [Error(f"the wall has a hole: {what}: {where}", id="boss.E010") for what, where in found]
