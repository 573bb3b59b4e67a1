"""Values of tasks as people see them: without secrets, and without the numbers rooms know their rows by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boss.core import crypto


def for_people(values: Mapping[str, Any] | None) -> dict[str, Any]:
    """``values`` with secrets masked and row ids (``order_id``: 17, ``service_ids``: [3, 4]) left out.

    Programs get them on the API; a person is told the subject by its own number.
    """
    return {key: _inside(value) for key, value in crypto.masked(dict(values or {})).items() if not _is_row(key, value)}


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return for_people(value)
    if isinstance(value, list):
        return [_inside(item) for item in value]
    return value


def _is_row(key: str, value: Any) -> bool:
    if key == "id" or key.endswith("_id"):
        return isinstance(value, int) and not isinstance(value, bool)
    if key.endswith("_ids"):
        return isinstance(value, list) and all(isinstance(item, int) for item in value)
    return False
