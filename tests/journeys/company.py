"""A provider as its people see it: order, wait, answer what the runs ask. Everything through the services' doors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from boss.core import scoping
from boss.core.actors import Actor
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site
from catalog import selectors as catalog
from catalog.pricing import OptionChoice
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.models import Order, Subscription
from subscribers.services import orders
from tests.journeys import picture
from tests.workflow.driving import drive
from ticketing.choices import OPEN_STATES
from ticketing.models import Ticket
from ticketing.services import tickets
from workflow.choices import TaskKind, TaskState
from workflow.engine import draining
from workflow.models import Run, TaskRun
from workflow.services import runs

CARD, CASH = PaymentChoice("card", "tok_ok"), PaymentChoice("cash")
MARIA = ContactDetails("Maria Ortiz", "maria.ortiz@mail.example", "+1 555 555 0142")

Answers = Mapping[str, Mapping[str, Any]]

ANSWERS: Answers = {
    # Tri-Lakes
    "book_window": {"visit_on": "2026-12-01", "window": "morning"},
    "pick_equipment": {"modem_mac": "02:00:5e:10:00:01", "modem_serial": "TLM-1", "stb_serial": "TLS-1"},
    "install_visit": {"rx_dbm": -3.5, "snr_db": 37.0},
    "collect_loa": {"loa": "scan-1.pdf", "account_number": "ACC-7001", "pin": "4711"},
    "agree_day": {"reachable_at": "10 to 12"},
    "test_calls": {"inbound": True, "outbound": True},
    "fetch_equipment": {"returned": True},
    "book_pick_up": {"pick_up_on": "2026-12-01"},
    "recover_equipment": {"serials": "TLM-1"},
    "restock": {"not_returned": 0},
    # High Prairie
    "take_deposit": {"receipt": "17"},
    "los_study": {"tower": "tower-1", "distance_mi": 4.2},
    "book_survey": {"survey_on": "2026-12-01"},
    "survey_visit": {"passed": True, "height_ft": 24, "mount": "roof"},
    "pick_radio": {"router_mac": "02:00:5e:20:00:01", "router_serial": "HPR-1"},
    # Keystone
    "sign_contract": {"signed_on": "2026-12-01", "per_unit": 24},
    "survey_site": {"mdf": "basement"},
    "design_network": {"access_node": "mdf-07", "aps": 12},
    "apply_permits": {"application": "P-1"},
    "permits_granted": {"permit": "P-1-ok"},
    "order_equipment": {"purchase_order": "PO-1"},
    "build_riser": {"contractor": "Riser & Sons"},
    "mount_aps": {"aps": 6},
    "test_building": {"down_mbps": 412},
    "connect_backhaul": {"circuit": "C-1"},
    "accept_property": {"accepted_on": "2026-12-01"},
    "launch": {"launched_on": "2026-12-01"},
}
"""What people answer to each manual task, unless a test says otherwise."""

OTHER_RADIO = {"install_visit": {"rssi_dbm": -61, "ccq": 92}}
"""High Prairie's visit has a form of its own."""


@dataclass
class Company:
    """One provider. ``answers`` may be changed by a test."""

    realm_id: int
    domain: str
    boss_name: str
    answers: dict[str, Mapping[str, Any]] = field(default_factory=lambda: dict(ANSWERS))
    known: dict[str, Actor] = field(default_factory=dict)

    @property
    def system(self) -> Actor:
        return Actor.system(self.realm_id)

    def open(self) -> Any:
        """``with company.open():`` a transaction in its realm."""
        return scoping.realm_transaction(self.realm_id, "test")

    def person(self, name: str) -> Actor:
        if name not in self.known:
            with self.open():
                user = tenancy.find_user_by_email(f"{name}@{self.domain}")
                assert user is not None, name
                self.known[name] = tenancy.actor_for_user(user)
        return self.known[name]

    @property
    def boss(self) -> Actor:
        return self.person(self.boss_name)

    # Asking for something

    def site(self, position: int = 0, **where: Any) -> Site:
        with self.open():
            return Site.objects.filter(serviceable=True, **where).order_by("id")[position]

    def order(self, plan: str, *options: str, **more: Any) -> Order:
        """A visitor orders ``plan``; keywords change how."""
        with self.open():
            given: dict[str, Any] = {
                "actor": tenancy.visitor(self.realm_id),
                "site": more.pop("site", None) or Site.objects.filter(serviceable=True).order_by("id")[0],
                "plan_version": catalog.get_plan_version(plan),
                "options": [OptionChoice(option) for option in options],
                "contact": MARIA,
                "payment": CARD,
            }
            return orders.submit(**{**given, **more})

    def served(self, plan: str, *options: str, **more: Any) -> Subscription:
        """Somebody who has ``plan`` already."""
        order = self.order(plan, *options, **more)
        self.finish(order.run_id)
        with self.open():
            assert self.fresh(order).state == "completed", self.stuck(order.run_id)
            return Subscription.objects.select_related("account", "site", "plan_version__plan").get(items__order=order)

    # Letting it happen

    def go(self, **how: Any) -> None:
        drive(self.realm_id, **how)

    def finish(self, run_id: int | None, most: int = 400) -> str:
        """Work and answers until the run closes or nothing goes on any more; its state."""
        for _turn in range(most):
            self.go()
            if self.run(run_id).is_closed or not self.answer_one():
                break
        return str(self.run(run_id).state)

    def until(self, run_id: int | None, task_key: str, *states: str) -> TaskRun:
        """Work and answer until the task has one of ``states`` ("done" unless said)."""
        wanted = states or ("done",)
        with one_at_a_time():
            for _turn in range(400):
                task = self.task(run_id, task_key)
                if task.state in wanted:
                    return task
                if not drive(self.realm_id, most=1):
                    assert self.answer_one(), f"{task_key} is {task.state}, nothing goes on: {self.stuck(run_id)}"
        raise AssertionError(f"{task_key} never became {wanted}")

    def _results_of(self, task: TaskRun) -> Mapping[str, Any]:
        """What a task is answered; no two people pick the same router."""
        mac = f"02:00:5e:{task.pk.to_bytes(3, 'big').hex(':')}"
        given = self.answers[task.key]
        return {name: mac if name.endswith("_mac") else value for name, value in given.items()}

    def answer_one(self) -> bool:
        """Resolve the oldest ticket a run waits for, as its pool would; False when there is none."""
        with self.open():
            waiting = TaskRun.objects.filter(
                ticket__isnull=False, state__in=[TaskState.WAITING, TaskState.UNDO_WAITING], kind=TaskKind.MANUAL
            )
            task = waiting.select_related("ticket").order_by("id").first()
            ticket = task.ticket if task is not None else None
            values = self._results_of(task) if task is not None and not task.is_undo else {}
            if ticket is None:
                port = Ticket.objects.filter(subject_kind="ipservices.port_request", state__in=OPEN_STATES)
                ticket = port.order_by("id").first()
                values = self.answers.get("fix_loa", {"account_number": "ACC-7001"})
                if ticket is None:
                    return False
                tickets.resolve(actor=self.boss, ticket=ticket, outcome="corrected", values=dict(values))
                return True
            tickets.resolve(actor=self.boss, ticket=ticket, outcome="done", values=dict(values))
        return True

    def reverse(self, run_id: int | None, reason: str = "Test") -> str:
        """Turn the run round and let it come to its end; its state."""
        with self.open():
            runs.reverse(actor=self.boss, run=self.run(run_id), reason=reason)
        return self.finish(run_id)

    # Looking

    def run(self, run_id: int | None) -> Run:
        with self.open():
            return Run.objects.select_related("version__definition").get(pk=run_id)

    def task(self, run_id: int | None, key: str) -> TaskRun:
        with self.open():
            return TaskRun.objects.get(run_id=run_id, key=key)

    def states(self, run_id: int | None) -> dict[str, str]:
        with self.open():
            return dict(TaskRun.objects.filter(run_id=run_id).order_by("position").values_list("key", "state"))

    def stuck(self, run_id: int | None) -> dict[str, str]:
        with self.open():
            tasks = TaskRun.objects.exclude(state__in=["done", "skipped", "pending", "undone", "kept"])
            return {f"{task.run_id} {task.key}": f"{task.state}: {task.error[:300]}" for task in tasks}

    def fresh(self, row: Any) -> Any:
        with self.open():
            return type(row).objects.get(pk=row.pk)

    def picture(self) -> dict[str, Any]:
        return picture.of_realm(self.realm_id)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Workers finish the task at hand and leave the next one, so that one can look in between."""
    draining.begin()
    try:
        yield
    finally:
        draining.end()


@contextmanager
def taken_back() -> Iterator[None]:
    """What happens inside is rolled back, like a test in a test."""
    inside: Any = transaction.atomic()
    inside._from_testcase = True
    with inside:
        yield
        transaction.set_rollback(True)
