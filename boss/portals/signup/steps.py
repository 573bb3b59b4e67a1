"""The order of the sign-up pages, and which of them a draft may open."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from boss.portals.signup.drafts import Draft


@dataclass(frozen=True, slots=True)
class Step:
    key: str
    title: str | Promise

    @property
    def url(self) -> str:
        return reverse(f"signup:{self.key}")


STEPS = (
    Step("address", _("Address")),
    Step("plan", _("Plan")),
    Step("options", _("Options")),
    Step("you", _("You and payment")),
    Step("review", _("Review")),
)


@dataclass(frozen=True, slots=True)
class Progress:
    """One line of the progress list: ``state`` is done, current or ahead."""

    step: Step
    number: int
    state: str
    reachable: bool


def first_open(draft: Draft) -> str:
    """The first step whose question is not answered yet; ``review`` when all are."""
    if not draft.site:
        return "address"
    if not draft.plan:
        return "plan"
    if not draft.options_done:
        return "options"
    if not draft.contact or not draft.is_paid_for:
        return "you"
    return "review"


def missing_before(key: str, draft: Draft) -> str | None:
    """The earlier step that must be answered before ``key`` can be shown; None when ``key`` may open."""
    order = [step.key for step in STEPS]
    first = first_open(draft)
    return first if order.index(first) < order.index(key) else None


def progress(current: str, draft: Draft) -> list[Progress]:
    order = [step.key for step in STEPS]
    here, reached = order.index(current), order.index(first_open(draft))
    return [
        Progress(
            step=step,
            number=number + 1,
            state="current" if number == here else "done" if number < reached else "ahead",
            reachable=number <= reached and number != here,
        )
        for number, step in enumerate(STEPS)
    ]
