"""What happens at Tri-Lakes Cable's desk: two outages and some ordinary tickets, through the doors everybody uses."""

from __future__ import annotations

import datetime as dt
import time

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.platform.demo.trilakes import people
from boss.tenancy import selectors as tenancy
from ipservices.models import OutageMember, OutageUpdate
from ipservices.services import outages
from ipservices.services.outages import telling
from subscribers.models import Account
from ticketing.models import Ticket
from ticketing.services import tickets
from ticketing.services import time as time_spent

NEEDED = 24
"""Accounts there must be before: those of the organizations that the outages concern, and of who asks."""
PATIENCE_SECONDS = 20.0

HOUR = dt.timedelta(hours=1)

OVER, OPEN = "Fibre cut at Bank Plaza", "School District: switch without power"
NOC, DESK, BILLS = "nate", "alice", "bea"


def happen(realm_id: int) -> None:
    """Let it happen. What has, does not happen again."""
    _outage_that_is_over(realm_id)
    _outage_that_is_open(realm_id)
    _ordinary_tickets(realm_id)


def _outage_that_is_over(realm_id: int) -> None:
    with scoping.realm_transaction(realm_id, "demo"):
        if _is_there(OVER):
            return
        found = outages.open(
            actor=_staff(NOC), category_key="outage", title=OVER, scopes=[("node", "olt-2")],
            text="A digger has cut a fibre at Bank Plaza. Our people are on site.",
            eta_at=clock.now() + 4 * HOUR, note="Splice kit is on Tessa's van.",
        )  # fmt: skip
    with scoping.realm_transaction(realm_id, "demo"):
        outages.update(
            actor=_staff(NOC), outage=found, text="Half of the fibres are spliced.", eta_at=clock.now() + HOUR
        )
    with scoping.realm_transaction(realm_id, "demo"):
        outages.restore(
            actor=_staff(NOC), outage=found, text="All fibres are spliced. Please tell us whether it works again.",
            answer_hours=1,
        )  # fmt: skip
    _see_told(realm_id)
    with scoping.realm_transaction(realm_id, "demo"):
        asked = OutageMember.objects.filter(outage=found, asked_at__isnull=False).order_by("pk")
        for number, member in enumerate(asked[:6]):
            outages.answer(presented=telling.token(member), is_back=number != 3)


def _outage_that_is_open(realm_id: int) -> None:
    with scoping.realm_transaction(realm_id, "demo"):
        if _is_there(OPEN):
            return
        found = outages.open(
            actor=_staff(NOC), category_key="outage", title=OPEN,
            scopes=[("organization", "Lakeview School District")],
            text="A switch at School Road is without power since the storm. A generator is on its way.",
            eta_at=clock.now() + 6 * HOUR,
        )  # fmt: skip
    _see_told(realm_id)
    with scoping.realm_transaction(realm_id, "demo"):
        asked = _asks(0, "trouble-internet", "No connection in the office", "All lights are off since this morning.")
        if asked is not None:
            outages.add_ticket(actor=_staff(DESK), outage=found, ticket=asked)


def _ordinary_tickets(realm_id: int) -> None:
    """One waits for the customer, one is done, one lies in its pool."""
    with scoping.realm_transaction(realm_id, "demo"):
        if _is_there("Slow in the evening"):
            return
        slow = _asks(18, "trouble-internet", "Slow in the evening", "Since last week films stop after eight o'clock.")
        if slow is not None:
            alice = _staff(DESK)
            slow = tickets.claim(actor=alice, ticket=slow)
            body = "Thank you for telling us. Is it as slow when you plug in by cable?"
            tickets.add_message(actor=alice, ticket=slow, body=body)
            time_spent.add(actor=alice, ticket=slow, seconds=12 * 60, note="Looked at the node's load")
            tickets.wait(actor=alice, ticket=slow, waiting_for="customer")
        bill = _asks(19, "billing", "Installation charged twice", "My statement has the installation on it two times.")
        if bill is not None:
            bea = _staff(BILLS)
            bill = tickets.claim(actor=bea, ticket=bill)
            time_spent.add(actor=bea, ticket=bill, seconds=8 * 60, note="Compared the charges")
            tickets.resolve(actor=bea, ticket=bill, note="You were charged once; the other line is a deposit.")
        _asks(20, "trouble-tv", "Channel 7 has no sound", "All other channels are fine.")


def _asks(index: int, category: str, title: str, body: str) -> Ticket | None:
    """The ``index``-th subscriber opens a ticket. None while he cannot sign in yet: his order is under way."""
    email = people.subscriber(index)[1]
    account: Account | None = Account.objects.select_related("user").filter(email=email).first()
    if account is None or account.user is None:
        return None
    actor = tenancy.actor_for_user(account.user)
    return tickets.open(actor=actor, category_key=category, title=title, body=body)


def _see_told(realm_id: int) -> None:
    """Members are told by the workers, or here: whoever comes first."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with scoping.realm_transaction(realm_id, "demo"):
            waiting = OutageUpdate.objects.filter(finished_at=None).order_by("pk")
            keys = list(waiting.values_list("pk", flat=True))
        if not keys:
            return
        if not all(telling.go_on(realm_id=realm_id, update_id=key) for key in keys):
            time.sleep(0.3)


def _is_there(title: str) -> bool:
    return bool(Ticket.objects.filter(title=title).exists())


def _staff(name: str) -> Actor:
    user = tenancy.find_user_by_email(f"{name}@{people.DOMAIN}")
    assert user is not None  # the minimum of the seed made the staff
    return tenancy.actor_for_user(user)
