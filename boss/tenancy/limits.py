"""How often somebody may try: fixed windows counted in Postgres, by account, address, network and known device.

A guesser at one address is stopped early, many guessers together late; a browser that has signed in to the account
before is counted by itself, so nobody locks an owner out by guessing at his account.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import structlog
from django.db.models import Count, Q
from django.db.models.functions import Now

from boss.core.proxies import network_of
from boss.tenancy.errors import SignInPaused
from boss.tenancy.models import SignInFailure

log = structlog.get_logger(__name__)

WINDOW = dt.timedelta(minutes=15)
Purpose = SignInFailure.Purpose


@dataclass(frozen=True, slots=True)
class Limit:
    """Most attempts in a window. None: not counted so."""

    account_and_address: int | None
    account: int | None
    network: int
    device: int = 10


LIMITS = {
    # A whole office or carrier-grade NAT may stand behind one network: it is stopped late.
    Purpose.PASSWORD: Limit(account_and_address=5, account=50, network=200),
    # Whoever comes this far knows the password. Ten guesses of three valid codes in a million, four times an hour.
    Purpose.FACTOR: Limit(account_and_address=5, account=10, network=50),
    # One mail a minute and person is the outbox's own limit.
    Purpose.LINK: Limit(account_and_address=None, account=None, network=30),
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries what from where. ``device`` is given when the browser is known to belong to the account's owner."""

    realm_id: int
    purpose: SignInFailure.Purpose
    account_norm: str
    address: str
    device: str = ""

    def refuse_floods(self) -> None:
        """Raises :class:`SignInPaused` when too many attempts like this one failed lately."""
        limit, seen = LIMITS[self.purpose], self._seen()
        if self.device:
            paused = seen["device"] >= limit.device
        else:
            paused = seen["network"] >= limit.network
            if self.account_norm:  # a passkey says only afterwards whose it is
                paused = paused or (
                    (limit.account_and_address is not None and seen["here"] >= limit.account_and_address)
                    or (limit.account is not None and seen["account"] >= limit.account)
                )
            if seen["network"] == limit.network:
                log.warning("sign_in_network_paused", network=network_of(self.address), purpose=self.purpose)
        if paused:
            raise SignInPaused

    def count(self) -> bool:
        """Write the failure down. True when it was the one that makes others like it wait."""
        SignInFailure.objects.create(
            realm_id=self.realm_id,
            purpose=self.purpose,
            account_norm=self.account_norm,
            address=self.address,
            network=network_of(self.address),
            device=self.device,
        )
        try:
            self.refuse_floods()
        except SignInPaused:
            return True
        return False

    def _seen(self) -> dict[str, int]:
        """One statement over the window. The realm is named because the platform's host sees the failures of all."""
        mine = Q(account_norm=self.account_norm)
        strangers = Q(device="")
        recent = SignInFailure.objects.filter(realm_id=self.realm_id, purpose=self.purpose, at__gt=Now() - WINDOW)
        network = network_of(self.address) or "unknown"  # rows without one belong to no network
        seen: dict[str, int] = recent.filter(mine | Q(network=network)).aggregate(
            here=Count("pk", filter=mine & strangers & Q(address=self.address)),
            account=Count("pk", filter=mine & strangers),
            network=Count("pk", filter=strangers & Q(network=network)),
            device=Count("pk", filter=mine & Q(device=self.device)),
        )
        return seen
