"""Values of described fields as people read them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from boss.core.schema import Characteristic, span_in_words


def in_words(item: Characteristic, value: Any, labels: dict[str, str] | None = None) -> str:
    """Choices by their labels (``labels`` may know more of them), numbers with their unit, lengths of time in words."""
    known = dict(item.options) if labels is None else labels
    if isinstance(value, list):
        return ", ".join(in_words(item, each, known) for each in value) or "—"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if value is None or value == "":
        return "—"
    if item.type == "duration" and isinstance(value, int):
        return span_in_words(value)
    if item.type == "money" and isinstance(value, int | float):
        return f"{value:.2f} {item.unit}".strip()
    if known:
        return known.get(str(value), str(value))
    return f"{value} {item.unit}".strip()
