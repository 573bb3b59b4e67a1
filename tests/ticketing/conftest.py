"""A small desk: two pools, three categories, a subscriber, and a pump that tickets can be about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from boss.core.actors import Actor
from boss.core.schema import Characteristic
from boss.tenancy.models import User
from tests.cast import actor_of, make_user
from ticketing.contracts import Outcome, SubjectCard, SubjectKind
from ticketing.models import Category, TalentPool, Ticket
from ticketing.registry import subject_kinds
from ticketing.services import categories, pools, tickets

PUMP_ACCOUNT = 77


class Jammed(Exception):
    """The pump refuses to be repaired."""


@dataclass
class Pump:
    """A subject of the rooms above, as far as the desk sees one."""

    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    locked: list[int] = field(default_factory=list)
    jammed: bool = False

    def resolved(self, actor: Actor, ticket: Ticket, outcome_key: str, values: Any) -> None:
        if self.jammed:
            raise Jammed
        self.told.append((ticket.number, outcome_key, dict(values)))


pump = Pump()

PUMP_OUTCOMES = (
    Outcome(
        "done",
        "Done by hand",
        (
            Characteristic("pressure", "integer", required=True, minimum=1, maximum=10),
            Characteristic("pin", "secret"),
        ),
    ),
    Outcome("scrap", "Cannot be repaired", needs_confirmation=True),
)

subject_kinds.register(
    "tests.pump",
    SubjectKind(
        key="tests.pump",
        title="Pump",
        describe=lambda pk: SubjectCard(f"Pump {pk}", f"/pumps/{pk}/"),
        outcomes=lambda ticket: PUMP_OUTCOMES,
        resolved=lambda actor, ticket, key, values: pump.resolved(actor, ticket, key, values),
        lock=lambda pk: pump.locked.append(pk),
        account_id=lambda pk: PUMP_ACCOUNT,
    ),
)
subject_kinds.register(
    "tests.leak",
    SubjectKind(
        key="tests.leak",
        title="Leak",
        describe=lambda pk: SubjectCard(f"Leak {pk}"),
        # Subscribers may report leaks with an even number.
        may_link=lambda actor, pk: pk % 2 == 0,
        resolved=lambda actor, ticket, key, values: pump.resolved(actor, ticket, key, values),
    ),
)


@dataclass
class Desk:
    noc: TalentPool
    field: TalentPool
    trouble: Category
    fallout: Category
    office: Category


@pytest.fixture(autouse=True)
def _fresh_pump() -> Iterator[None]:
    pump.__init__()  # type: ignore[misc]
    yield


@pytest.fixture
def desk(alpha, system) -> Desk:
    return make_desk(system)


def make_desk(system: Actor) -> Desk:
    noc = pools.create(actor=system, key="noc", name="Network")
    field_pool = pools.create(actor=system, key="field", name="Field")
    trouble = categories.create(
        actor=system,
        key="trouble",
        name="Trouble",
        default_pool=noc,
        portal_visible=True,
        fields=[Characteristic("symptom", "choice", required=True, choices=(("slow", "Slow"), ("dead", "Dead")))],
    )
    fallout = categories.create(
        actor=system, key="fallout", name="Order fallout", kind="fallout", default_pool=noc, number_prefix="of"
    )
    office = categories.create(actor=system, key="office", name="Office", kind="office")
    return Desk(noc, field_pool, trouble, fallout, office)


@pytest.fixture
def dana(cast) -> User:
    """A subscriber of alpha, with rights on her own rows only."""
    return make_user(cast.alpha, "dana@home.example", "Dana Dean", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def erin(cast) -> User:
    """Another subscriber of alpha: Dana's neighbour."""
    return make_user(cast.alpha, "erin@home.example", "Erin Eads", "subscriber", kind="subscriber", own=True)


@pytest.fixture
def nora(cast, desk, system) -> User:
    """Network operations, a member of the pool "noc"."""
    user = make_user(cast.alpha, "nora@alpha.example", "Nora North", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=user)
    return user


@pytest.fixture
def fred(cast, desk, system) -> User:
    """A technician, a member of the pool "field"."""
    user = make_user(cast.alpha, "fred@alpha.example", "Fred Field", "field_technician")
    pools.add_member(actor=system, pool=desk.field, user=user)
    return user


@pytest.fixture
def fallen(desk, system) -> Ticket:
    """Order fallout about pump 5, opened by the machine."""
    return tickets.open(
        actor=system,
        category_key="fallout",
        title="Pump 5 does not answer",
        body="Three attempts, connection refused",
        subject=("tests.pump", 5),
        dedupe_key="pump:5",
    )


@pytest.fixture
def hers(desk, dana) -> Ticket:
    """Dana's own ticket."""
    return tickets.open(
        actor=actor_of(dana),
        category_key="trouble",
        title="Internet is slow",
        body="Since this morning",
        data={"symptom": "slow"},
    )
