"""Tri-Lakes Cable's 400 accounts: ordered, installed and activated the way every later one is, a few at a time.

Each is an order through ``orders.submit`` whose run the workers carry out; where a run waits for people, this module
answers for them through the desk, in their names. Only a few runs are under way at once, so whoever looks around
meanwhile is served first. A start that was interrupted goes on where it stopped: the order's key is the address.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boss.core import scoping
from boss.core.actors import Actor
from boss.platform.demo import building
from boss.platform.demo.registry import Progress
from boss.platform.demo.shapes import Place
from boss.platform.demo.trilakes import people, places
from boss.tenancy import selectors as tenancy
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.choices import OrderState
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order
from subscribers.services import orders
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow.choices import TaskState
from workflow.models import TaskRun

AT_ONCE = 3
PATIENCE_SECONDS = 60.0
"""How long one account may take before the next ones are begun all the same."""

WHAT = "accounts"

# What 20 neighbours buy: about 12,900 data, 5,100 TV and 3,300 voice of 14,200 accounts.
MIX = (
    "internet-300", "triple-300", "internet-100", "internet-300", "duo-300", "internet-600", "internet-100",
    "internet-300", "triple-300", "internet-100", "gig", "internet-300", "triple-gig", "internet-100",
    "internet-300", "tv-choice", "internet-600", "duo-300", "internet-100", "internet-300",
)  # fmt: skip
BUSINESS = "business-300"
ADD_ONS = ((), ("wifi",), ("modem",), (), ("wifi", "modem"), ("static-ip",))

WAITING = {41: "book_window", 64: "pick_equipment", 92: "install_visit", 141: "book_window", 208: "install_visit"}
"""Accounts whose run is left waiting at this task, so that the inboxes are not empty."""

ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    "book_window": ("alice", {"visit_on": "2026-11-02", "window": "morning"}),
    "pick_equipment": ("dana", {"modem_mac": "", "modem_serial": "", "stb_serial": ""}),
    "install_visit": ("frank", {"rx_dbm": -3.5, "snr_db": 37.0, "outlet": "living room"}),
}
"""Who answers which manual task, and what; labels are made up per account."""


@dataclass(frozen=True, slots=True)
class Case:
    """An order under way: which account's, and since when (monotonic seconds)."""

    index: int
    begun: float


def grow(realm_id: int) -> Iterator[Progress]:
    """Make what is missing of the 400 accounts."""
    wanted = list(places.occupied())
    under_way: dict[int, Case] = {}
    for index, place in enumerate(wanted):
        order_id = _order(realm_id, index, place)
        if order_id is not None:
            under_way[order_id] = Case(index, time.monotonic())
        while len(under_way) >= AT_ONCE:
            _tend(realm_id, under_way)
        yield Progress(WHAT, index + 1 - len(under_way), len(wanted))
    while under_way:
        _tend(realm_id, under_way)
        yield Progress(WHAT, len(wanted) - len(under_way), len(wanted))


def _order(realm_id: int, index: int, place: Place) -> int | None:
    """Place the order for one address; None when it was closed on an earlier start."""
    with scoping.realm_transaction(realm_id, "demo"):
        actor = Actor.system(realm_id, "Demo")
        present: Order | None = Order.objects.filter(submission_key=key_of(index)).first()
        if present is None:
            owners = building.make_organizations(actor, places.ORGANIZATIONS) if place.organization else {}
            site = building.make_site(actor, place, owners)
            name, email, phone = people.subscriber(index)
            plan = BUSINESS if place.technology == "fibre" and place.organization else MIX[index % len(MIX)]
            version = catalog.get_plan_version(plan)
            offered = {option.key for option in version.options.all()}
            visit = "self-install" if "self-install" in offered else "install"
            present = orders.submit(
                actor=actor,
                site=site,
                plan_version=version,
                contact=ContactDetails(name, email, phone),
                payment=PaymentChoice("cash") if index % 5 == 0 else PaymentChoice("card", "tok_ok"),
                options=[OptionChoice(key) for key in (visit, *ADD_ONS[index % len(ADD_ONS)]) if key in offered],
                chosen={"dns.zone": {"domain": f"business{index}.example"}} if plan == BUSINESS else None,
                key=key_of(index),
                channel="demo",
            )
        return present.pk if present.state == OrderState.IN_PROGRESS else None


def key_of(index: int) -> str:
    """The submission key of the ``index``-th account's order."""
    return f"demo-account-{index:03d}"


def _tend(realm_id: int, under_way: dict[int, Case]) -> None:
    """Answer what the runs under way ask people; forget those that closed, reached their stop or take too long."""
    time.sleep(0.3)
    with scoping.realm_transaction(realm_id, "demo"):
        open_orders = Order.objects.filter(pk__in=under_way, state=OrderState.IN_PROGRESS)
        runs = {order.run_id: order.pk for order in open_orders}
        waiting = TaskRun.objects.filter(run_id__in=runs, state=TaskState.WAITING, ticket__isnull=False)
        asked = [(runs[task.run_id], task.key, task.ticket_id) for task in waiting]
    too_late = time.monotonic() - PATIENCE_SECONDS
    finished = {order_id for order_id, case in under_way.items() if case.begun < too_late} | (
        set(under_way) - set(runs.values())
    )
    for order_id, task_key, ticket_id in asked:
        if WAITING.get(under_way[order_id].index) == task_key:
            finished.add(order_id)
        else:
            _answer(realm_id, task_key, ticket_id, order_id)
    for order_id in finished:
        del under_way[order_id]


def _answer(realm_id: int, task_key: str, ticket_id: int, order_id: int) -> None:
    """Resolve the ticket of a manual task as the person whose work it is."""
    who, values = ANSWERS[task_key]
    if task_key == "pick_equipment":
        values = {
            "modem_mac": f"02:00:5e:{order_id >> 16 & 255:02x}:{order_id >> 8 & 255:02x}:{order_id & 255:02x}",
            "modem_serial": f"TLM-{order_id:06d}",
            "stb_serial": f"TLS-{order_id:06d}",
        }
    with scoping.realm_transaction(realm_id, "demo"):
        user = tenancy.find_user_by_email(f"{who}@{people.DOMAIN}")
        ticket: Ticket = Ticket.objects.get(pk=ticket_id)
        assert user is not None  # the minimum of the seed made the staff
        actor = tenancy.actor_for_user(user)
        tickets.resolve(actor=actor, ticket=ticket, outcome="done", values=values)
