"""That mail does not get through to somebody, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ticketing.standing import Standing, Trouble

_WORDS: dict[Standing, str | Promise] = {
    Standing.UNDELIVERABLE: _("Mail to %(address)s came back for good. What machines send there has stopped."),
    Standing.COMPLAINT: _("%(address)s has reported mail of ours as unwanted. What machines send there has stopped."),
    Standing.PAUSED: _("%(address)s was about to get too much mail of machines. It has stopped for a day."),
    Standing.DEGRADED: _(
        "Mail to %(address)s often does not get through: three mails within 72 hours were put off or given up."
        " It is still sent. Ask for another way to reach them."
    ),
}


@dataclass(frozen=True, slots=True)
class Banner:
    text: str
    since: datetime
    is_bad: bool
    """Whether something has stopped."""


def banners(troubles: Iterable[Trouble]) -> list[Banner]:
    return [
        Banner(
            str(_WORDS[each.standing]) % {"address": each.address}, each.since, each.standing != Standing.DEGRADED
        )
        for each in troubles
    ]  # fmt: skip
