"""Rule O5: whether a mailbox's domain is set up, so that mail reaches us and ours is believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _

from boss.core import scoping
from boss.core.actors import Actor
from boss.core.permissions import require
from boss.core.problems import InvalidInput
from ticketing.mail import domain as records
from ticketing.mail.domain import Finding, RecordState
from ticketing.models import Mailbox, MailSource
from ticketing.services.mail.resolving import Asked

SECONDS = 10.0
"""For all questions about a domain together."""
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?){0,3}\Z")


@dataclass(frozen=True, slots=True)
class Report:
    """What DNS says of a domain now."""

    domain: str
    selector: str
    findings: Sequence[Finding]

    @property
    def is_right(self) -> bool:
        return all(each.state == RecordState.RIGHT for each in self.findings)


def check(*, actor: Actor, mailbox: Mailbox, selector: str) -> Report:
    """Ask DNS for the records of ``mailbox``'s domain, ``SECONDS`` at most, with no transaction open meanwhile.

    Changes and keeps nothing. ``selector``: the name of the DKIM key the mail server signs with. Raises
    :class:`InvalidInput` with ``selector``.
    """
    require(actor, "ticketing.manage_mailboxes")

    selector = selector.strip().lower()
    if not _SELECTOR.match(selector):
        raise InvalidInput(
            fields={"selector": [_("A selector is made of letters, digits, hyphens and dots, such as “mail2026”.")]}
        )
    wanted = records.Wanted(
        domain=mailbox.domain,
        selector=selector,
        servers=settings.BOSS_MAIL_MX,
        spf=settings.BOSS_MAIL_SPF,
        is_fetched=MailSource.objects.filter(mailbox=mailbox, is_active=True).exists(),
    )
    with scoping.between_transactions():
        return Report(wanted.domain, selector, records.look(Asked(seconds=SECONDS), wanted))
