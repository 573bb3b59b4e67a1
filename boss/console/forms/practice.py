"""The failure sliders of one simulated server."""

from __future__ import annotations

from typing import Any

from boss.core import schema
from boss.look.forms import BossForm
from ipservices.drivers.simulator.faults import SLIDERS


class FaultsForm(BossForm):
    """All sliders at once; what is at rest is empty."""

    def __init__(self, *args: Any, faults: dict[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = schema.form_fields(SLIDERS, faults)
        for field in fields.values():
            if unit := getattr(field, "unit", ""):
                field.label = f"{field.label} ({unit})"
        self.fields.update(fields)
