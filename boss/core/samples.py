"""Plausible values of characteristics, for trying out what a form or a program would give."""

from __future__ import annotations

from typing import Any

from boss.core.schema import NUMBERS, WHOLE_NUMBERS, Characteristic

_BY_TYPE: dict[str, Any] = {
    "text": "Example", "long_text": "An example.", "boolean": True, "date": "2026-12-01",
    "datetime": "2026-12-01T09:00:00+00:00", "email": "name@example.com", "phone": "+1 555 0100",
    "hostname": "host.example.com", "ipv4": "192.0.2.10", "ipv6": "2001:db8::10", "mac": "00:11:22:aa:bb:cc",
    "secret": "secret", "url": "https://example.com/", "prefix": "192.0.2.0/24",
}  # fmt: skip


def sample(item: Characteristic) -> Any:
    """Its default, else a value of its type within its bounds. A text's pattern is not looked at."""
    if item.default is not None:
        return item.default
    if item.type in ("choice", "tree_choice"):
        return item.options[0][0]
    if item.type == "multi_choice":
        return [item.choices[0][0]]
    if item.type in NUMBERS:
        low = item.minimum if item.minimum is not None else min(1, item.maximum if item.maximum is not None else 1)
        number = max(low, min(1, item.maximum) if item.maximum is not None else 1)
        return round(number) if item.type in WHOLE_NUMBERS else float(number)
    value = _BY_TYPE[item.type]
    return value[: item.max_length] if item.max_length and isinstance(value, str) else value
