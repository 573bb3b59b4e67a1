"""An order's progress in plain words: a handful of stages instead of the engine's tasks.

Used by the page a buyer gets without a log-in and by self-help. It shows no task titles, errors or names of staff:
a definition's titles are written for the people who work on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from boss.core import scoping
from boss.look.marks import Mark
from subscribers.choices import ItemAction, OrderState, PaymentMethod
from subscribers.models import Order
from subscribers.services.orders import SUBJECT_KIND
from workflow import selectors as workflow
from workflow.choices import TaskKind, TaskState
from workflow.engine import graphs

CHECKS = frozenset(
    {
        "subscribers.verify_address",
        "subscribers.qualify_site",
        "subscribers.check_credit",
        "subscribers.preauthorize_card",
    }
)
LAST = frozenset({"subscribers.start_charges", "subscribers.send_welcome"})
OVER = frozenset({TaskState.DONE, TaskState.SKIPPED})
MOVING = frozenset({TaskState.READY, TaskState.RUNNING, TaskState.WAITING, TaskState.ATTENTION})
BACKWARDS = frozenset(
    {TaskState.UNDO_READY, TaskState.UNDOING, TaskState.UNDO_WAITING, TaskState.UNDO_ATTENTION, TaskState.UNDONE}
)

MARKS = {
    "done": Mark(gettext_lazy("Done"), "check", "ok"),
    "current": Mark(gettext_lazy("Going on now"), "loader-2", "busy"),
    "waiting": Mark(gettext_lazy("Waiting for a person"), "hourglass", "wait"),
    "ahead": Mark(gettext_lazy("Still to come"), "circle", "idle"),
    "undone": Mark(gettext_lazy("Taken back"), "arrow-back-up", "undo"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """What of an engine's task decides the stage it belongs to."""

    handler: str
    kind: str
    state: str
    after_people: bool  # it waits, directly or not, for something people do


@dataclass(frozen=True, slots=True)
class Stage:
    """One line of the tracker. ``state`` is a key of ``MARKS``."""

    key: str
    name: str | Promise
    text: str
    state: str

    @property
    def mark(self) -> Mark:
        return MARKS[self.state]


@dataclass(frozen=True, slots=True)
class Tracker:
    """``state`` is running, active or cancelled; ``headline`` says it in one sentence.

    ``is_undone``: the order goes backwards, or has gone; how far it had come says nothing any more.
    """

    order: Order
    state: str
    headline: str
    text: str
    stages: list[Stage]
    is_undone: bool = False

    @property
    def is_over(self) -> bool:
        return self.state != "running"

    @property
    def share(self) -> int:
        """How much is done, in hundredths, for a progress bar."""
        done = sum(1 for stage in self.stages if stage.state == "done")
        return round(100 * done / len(self.stages))


def track(order: Order) -> Tracker:
    """The progress of ``order``. The caller has checked that its reader may see it."""
    tasks = _tasks(order)
    later = next((LATER[item.action] for item in order.items.all() if item.action in LATER), None)
    if later is not None:
        return _track_later(order, tasks, later)
    stages = [Stage("placed", _("Ordered"), _("We have your order %(number)s.") % {"number": order.number}, "done")]
    if order.state == OrderState.CANCELLED:
        stages.append(Stage("undone", _("Cancelled"), _("Everything begun was taken back."), "undone"))
        text = _("Nothing is charged. If this surprises you, please get in touch: we will gladly look at it together.")
        return Tracker(order, "cancelled", _("This order was cancelled."), text, stages, is_undone=True)
    finished = order.state == OrderState.COMPLETED
    sides = _by_stage(tasks)
    stages.append(_stage("checks", sides["checks"], finished, _("Checked"), _checks_text(order)))
    text = _("Everything on our side is ready.") if finished else _("We prepare everything on our side.")
    stages.append(_stage("setup", sides["setup"], finished, _("Services set up"), text))
    if sides["visit"]:
        text = _("Everything is connected.") if finished else _("We bring and connect what you need.")
        stages.append(_stage("visit", sides["visit"], finished, _("Installed at your place"), text))
    last = _("Your services work; charges begin today.") if finished else _("A last check, then a welcome mail.")
    stages.append(_stage("active", sides["last"], finished, _("Active"), last))
    if finished:
        return Tracker(order, "active", _("Your service is active."), _("Everything is set up. Welcome!"), stages)
    headline, text = _now(tasks, stages)
    return Tracker(order, "running", headline, text, stages, is_undone=_goes_back(tasks))


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an order about a subscription that is there already."""

    going_on: str | Promise
    done: str | Promise
    kept: str | Promise


LATER: dict[str, Words] = {
    ItemAction.MODIFY: Words(
        gettext_lazy("We are making your change."),
        gettext_lazy("Your change is made."),
        gettext_lazy("Everything is as it was before."),
    ),
    ItemAction.DELETE: Words(
        gettext_lazy("We are ending your service as you asked."),
        gettext_lazy("Your service has ended."),
        gettext_lazy("Your service goes on as before."),
    ),
}


def _track_later(order: Order, tasks: list[Task], words: Words) -> Tracker:
    """A change or an end: what we do, what people do, that it is done."""
    stages = [Stage("placed", _("Ordered"), _("We have your order %(number)s.") % {"number": order.number}, "done")]
    if order.state == OrderState.CANCELLED:
        stages.append(Stage("undone", _("Cancelled"), str(words.kept), "undone"))
        return Tracker(order, "cancelled", _("This order was cancelled."), str(words.kept), stages)
    finished = order.state == OrderState.COMPLETED
    people = [task for task in tasks if task.kind == TaskKind.MANUAL]
    ours = [task for task in tasks if task.kind != TaskKind.MANUAL]
    stages.append(_stage("setup", ours, finished, _("Our part"), str(words.done if finished else words.going_on)))
    if people:
        stages.append(_stage("visit", people, finished, _("Together with you"), _("We get in touch about it.")))
    if finished:
        return Tracker(order, "active", str(words.done), _("There is nothing you have to do."), stages)
    if {task.state for task in tasks} & BACKWARDS:
        return Tracker(order, "running", _("This order is being taken back."), str(words.kept), stages)
    return Tracker(order, "running", str(words.going_on), _("This page follows by itself."), stages)


def _tasks(order: Order) -> list[Task]:
    # The engine's rows are no customer's; what is made of them here is (see Tracker).
    with scoping.as_application():
        return _read_tasks(order)


def _read_tasks(order: Order) -> list[Task]:
    run = workflow.list_runs_for_subject(SUBJECT_KIND, order.pk).first()
    if run is None:
        return []
    graph = graphs.of_run(run)
    by_hand = {spec.position for spec in graph.tasks if spec.kind == TaskKind.MANUAL}
    return [
        Task(
            graph.tasks[row.position].handler,
            row.kind,
            row.state,
            after_people=bool(by_hand & graph.ancestors[row.position]),
        )
        for row in workflow.list_tasks(run)
    ]


def _by_stage(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    sides: dict[str, list[Task]] = {"checks": [], "setup": [], "visit": [], "last": []}
    for task in tasks:
        if task.handler in CHECKS:
            sides["checks"].append(task)
        elif task.kind == TaskKind.MANUAL:
            sides["visit"].append(task)
        elif task.handler in LAST or task.after_people:
            sides["last"].append(task)
        else:
            sides["setup"].append(task)
    return sides


def _stage(key: str, tasks: list[Task], finished: bool, name: str, text: str) -> Stage:
    states = {task.state for task in tasks}
    if finished or (states and states <= OVER):
        state = "done"
    elif TaskState.ATTENTION in states:
        state = "waiting"
    elif states & MOVING or states & OVER:
        state = "current"
    else:
        state = "ahead"
    return Stage(key, name, text, state)


def _checks_text(order: Order) -> str:
    if order.payment_method == PaymentMethod.CARD:
        return _("Your address and your card.")
    if order.payment_method == PaymentMethod.OWNER:
        return _("Your unit.")
    return _("Your address and your credit.")


def _goes_back(tasks: list[Task]) -> bool:
    return any(task.state in BACKWARDS for task in tasks)


def _now(tasks: list[Task], stages: list[Stage]) -> tuple[str, str]:
    if _goes_back(tasks):
        return _("This order is being taken back."), _("Everything begun is undone step by step. Nothing is charged.")
    people = any(task.kind == TaskKind.MANUAL and task.state in MOVING for task in tasks)
    if any(task.state == TaskState.ATTENTION and task.kind != TaskKind.MANUAL for task in tasks):
        headline = _("One step needs a person of our team.")
        return headline, _("It is with them already and your order goes on from there. You need not do anything.")
    if people:
        return _("Our people are on it."), _("We get in touch to agree on a time for the visit.")
    current = next((stage for stage in stages if stage.state == "current"), None)
    if current is None:
        return _("We are about to begin."), _("This page follows by itself.")
    return _("We are setting up your service."), _("This page follows by itself; you may close it and come back.")
