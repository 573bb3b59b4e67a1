"""The failure sliders of a simulated server, in the words of the people who move them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_noop as _

from boss.core.schema import Characteristic

SLIDERS: tuple[Characteristic, ...] = (
    Characteristic("down", "boolean", label=_("Down"), default=False, help=_("Nothing answers.")),
    Characteristic(
        "slow", "decimal", label=_("Slow"), default=0, minimum=0, maximum=600, unit="s",
        help=_("Each request takes so long. Beyond the binding's deadline the answer is lost, the effect is not."),
    ),
    Characteristic("wrong", "boolean", label=_("Wrong"), default=False, help=_("Says yes and changes nothing.")),
    Characteristic(
        "refuses", "choice", label=_("Refuses"), choices=(("invalid", _("as invalid")), ("busy", _("as busy"))),
        help=_("Answers every change with an error."),
    ),
    Characteristic(
        "answer_lost", "boolean", label=_("Answer lost"), default=False,
        help=_("Changes what was asked, then the connection breaks."),
    ),
    Characteristic(
        "service_dead", "boolean", label=_("Service dead"), default=False,
        help=_("BOSS can change things, subscribers are not served."),
    ),
)  # fmt: skip

KEYS = frozenset(slider.key for slider in SLIDERS)


def active(faults: dict[str, Any]) -> dict[str, Any]:
    """Only the sliders that are not at rest."""
    return {key: value for key, value in faults.items() if key in KEYS and value not in (None, False, 0, 0.0, "")}
