"""One rule of who sees what, held against a slow one in plain Python that shares not a line with it.

Random principals × every row of every model with paths × actions: ``rows`` and ``may`` must agree with the oracle.
Then the rule itself is spoiled in each of its conditions, and every time the same comparison must notice.
"""

from __future__ import annotations

import inspect
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from django.db import models
from django.db.models import F, Value
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as limits
from hypothesis import strategies as some

from boss.core import permissions, scoping, walls
from boss.core.actors import Actor, Grant
from boss.platform.testing import databases
from tests.tenancy.planting import ALPHA, BETA, Planter
from ticketing.models import Attachment, Message

PRINCIPALS = 400
ACTIONS = ("view", "change")
ROWS = 5
"""Of each model in each realm."""


@dataclass
class World:
    """Every row that a path leads over, as plain dicts; and each model with paths."""

    models: list[type[models.Model]]
    rows: dict[type[models.Model], dict[int, dict[str, Any]]] = field(default_factory=lambda: defaultdict(dict))


def stations(model: type[models.Model], path: str) -> Iterator[tuple[type[models.Model], Any]]:
    """(model, field) for each step of a look-up path; a key of the model itself is no step."""
    for part in path.split("__"):
        if part == "pk":
            return
        forward = {each.attname: each for each in model._meta.local_fields if each.is_relation}
        step: Any = forward.get(part) or model._meta.get_field(part)
        yield model, step
        model = step.related_model


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    chance = random.Random(20261130)
    narrowed = [model for model in walls.scoped_models() if model.scope_paths]  # type: ignore[attr-defined]
    needed = dict.fromkeys(narrowed)
    for model in narrowed:
        for path in model.scope_paths.values():  # type: ignore[attr-defined]
            for at, step in stations(model, path):
                needed.update(dict.fromkeys((at, step.related_model)))
    made = World(narrowed)
    with django_db_blocker.unblock(), databases.fresh_database():
        planter = Planter()
        for model in needed:
            for pk in range(1, 2 * ROWS + 1):
                # The same small numbers everywhere: whoever compares the wrong column will often be right by chance,
                # and sometimes not.
                row: dict[str, Any] = {"id": pk, "realm_id": ALPHA if pk <= ROWS else BETA}
                for each in model._meta.local_fields:
                    if isinstance(each, models.ForeignKey):
                        own = range(1, ROWS + 1) if pk <= ROWS else range(ROWS + 1, 2 * ROWS + 1)
                        row[each.column] = None if each.null and chance.random() < 0.25 else chance.choice(own)
                said = {"kind": "public"} if model.portal_condition else {}  # type: ignore[attr-defined]
                planter.plant(model._meta.db_table, pk, **row, **said)
                made.rows[model][pk] = row
        yield made


def reached(world: World, model: type[models.Model], row: dict[str, Any], path: str) -> set[Any]:
    """The keys a path leads to from one row, walked step by step."""
    here = [row]
    for _at, step in stations(model, path):
        if isinstance(step, models.ForeignKey):
            keys = [each[step.column] for each in here]
            here = [world.rows[step.related_model].get(key, {"id": key}) for key in keys if key is not None]
        else:
            key = step.field.column
            here = [
                each for each in world.rows[step.related_model].values() if each[key] in {one["id"] for one in here}
            ]
    return {each["id"] for each in here}


def allowed(world: World, actor: Actor, permission: str, model: type[models.Model], row: dict[str, Any]) -> bool:
    """The oracle: may this actor do this to this row?"""
    if row["realm_id"] != actor.realm_id:
        return False
    if actor.kind == "system":
        return True
    if actor.scopes is not None and permission not in actor.scopes:
        return False
    for grant in actor.grants:
        if permission not in grant.permissions:
            continue
        if grant.kind == "realm":
            return True
        path = model.scope_paths.get(grant.kind)  # type: ignore[attr-defined]
        whose = actor.user_id if grant.kind == "own" else grant.target_id
        if path is not None and whose is not None and whose in reached(world, model, row, path):
            return True
    return False


BEHIND: dict[type[models.Model], tuple[str, type[models.Model]]] = {Attachment: ("message_id", Message)}
"""What is read only by who reads the row it hangs on, where it hangs on one."""


def reads(world: World, actor: Actor, model: type[models.Model], row: dict[str, Any]) -> bool:
    """The oracle of the database: it asks of a row that another one stands before for that one, too."""
    column, other = BEHIND.get(model, ("", model))
    before = world.rows[other][row[column]] if column and row[column] is not None else None
    if before is not None and not reads(world, actor, other, before):
        return False
    return allowed(world, actor, named(model, "view"), model, row)


def named(model: type[models.Model], action: str) -> str:
    return f"{model._meta.app_label}.{action}_{model._meta.model_name}"


def principals(world: World) -> some.SearchStrategy[Actor]:
    every = frozenset(named(model, action) for model in world.models for action in ACTIONS)
    viewing = frozenset(name for name in every if ".view_" in name)
    held = some.one_of(some.just(every), some.just(viewing), some.frozensets(some.sampled_from(sorted(every))))
    numbers = some.one_of(some.none(), some.integers(1, 2 * ROWS))
    grants = some.lists(
        some.builds(Grant, held, some.sampled_from(["realm", "organization", "site", "own"]), numbers), max_size=4
    )
    return some.builds(
        Actor,
        realm_id=some.sampled_from([ALPHA, BETA]),
        kind=some.sampled_from(["user", "user", "api_key", "visitor", "system"]),
        label=some.just("Somebody"),
        user_id=numbers,
        grants=grants.map(tuple),
        scopes=some.one_of(some.none(), held),
    )


def compare(world: World, rule: Callable[..., Any], actor: Actor, action: str, pick: int) -> None:
    """Every row of every model, in one query of the real rule's filters and by the oracle; and one row by ``may``."""
    parts = [
        model.objects.filter(rule(model, actor, named(model, action)))  # type: ignore[attr-defined]
        .order_by()
        .annotate(of_model=Value(model._meta.label), its_key=F("pk"))
        .values_list("of_model", "its_key")
        for model in world.models
    ]
    given_rows = Counter(parts[0].union(*parts[1:], all=True))
    expected = Counter(
        (model._meta.label, pk)
        for model in world.models
        for pk, row in world.rows[model].items()
        if allowed(world, actor, named(model, action), model, row)
    )
    assert given_rows == expected
    model = world.models[pick % len(world.models)]
    pk = 1 + pick % (2 * ROWS)
    row = world.rows[model][pk]
    permission = named(model, action)
    subject = model(pk=pk, realm_id=row["realm_id"])
    assert permissions.may(actor, permission, subject) == allowed(world, actor, permission, model, row)
    on_realm = any(grant.kind == "realm" and permission in grant.permissions for grant in actor.grants)
    scoped_out = actor.scopes is not None and permission not in actor.scopes
    assert permissions.may(actor, permission) == (actor.kind == "system" or (on_realm and not scoped_out))


def hold_against_the_oracle(world: World, rule: Callable[..., Any]) -> int:
    asked = 0

    @limits(max_examples=PRINCIPALS, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(actor=principals(world), action=some.sampled_from(ACTIONS), pick=some.integers(0, 10_000))
    def agree(actor: Actor, action: str, pick: int) -> None:
        nonlocal asked
        asked += 1
        compare(world, rule, actor, action, pick)

    # The whole installation, so that it is the rule and no other wall that keeps the realms apart.
    with scoping.system_transaction("test"):
        agree()
    return asked


def test_what_anybody_sees_and_may_is_what_the_oracle_says(world):
    assert len(world.models) >= 20
    assert hold_against_the_oracle(world, permissions.rows) >= PRINCIPALS


def test_what_the_database_lets_a_customer_read_is_what_the_oracle_says(world):
    """The second wall's own narrowing, asked with the first wall left out: his own rows, and of those that a grant of
    another kind leads to what grants of that kind let him read, or read over."""
    narrowed = [model for model in world.models if model.portal_reads and not model.portal_whole]  # type: ignore[attr-defined]
    assert len(narrowed) >= 13

    @limits(max_examples=60, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(actor=principals(world))
    def agree(actor: Actor) -> None:
        grants = tuple(each for each in actor.grants if each.kind != "realm")
        customer = replace(actor, kind="user", grants=grants, scopes=None)
        every = frozenset(named(model, "view") for model in narrowed)
        reach = [
            replace(each, permissions=read_with(each.kind, grants, narrowed)) for each in grants if each.kind != "own"
        ]
        oracle = replace(customer, grants=(*reach, Grant(every, "own")))
        with scoping.realm_transaction(actor.realm_id), scoping.as_customer(customer):
            for model in narrowed:
                expected = {pk for pk, row in world.rows[model].items() if reads(world, oracle, model, row)}
                assert set(model.unscoped.order_by().values_list("pk", flat=True)) == expected, model  # type: ignore[attr-defined]

    agree()


def read_with(kind: str, grants: tuple[Grant, ...], narrowed: list[type[models.Model]]) -> frozenset[str]:
    """What the second wall opens to grants of a kind, told together: models to view, and those on the way to a row."""
    held = {each for grant in grants if grant.kind == kind for each in grant.permissions}
    opened = set()
    for model in narrowed:
        if named(model, "view") in held and kind in model.scope_paths:  # type: ignore[attr-defined]
            way = stations(model, model.scope_paths[kind])  # type: ignore[attr-defined]
            opened |= {named(model, "view")} | {named(at, "view") for at, _step in way}
    return frozenset(opened)


SPOILED = {
    "the realm is not asked": ("return allowed & in_realm", "return allowed"),
    "the realm of a grant on the realm is not asked": (
        'if grant.kind == "realm":\n            return in_realm',
        'if grant.kind == "realm":\n            return Q()',
    ),
    "an API key's scopes are not asked": ("if not actor.holds(permission):", "if False:"),
    "a grant's permissions are not asked": ("if permission not in grant.permissions:", "if False:"),
    "own is anybody's": ('actor.user_id if grant.kind == "own" else grant.target_id', "grant.target_id"),
    "every grant is on the realm": ('if grant.kind == "realm":', "if True:"),
    "one path for every kind": ("paths[grant.kind]: target", "next(iter(paths.values())): target"),
    "the last grant only": ("allowed |= ", "allowed = "),
    "the system is of every realm": (
        "if actor.is_system:\n        return in_realm",
        "if actor.is_system:\n        return Q()",
    ),
}


@pytest.mark.parametrize("how", SPOILED)
def test_a_rule_spoiled_in_any_condition_is_caught(world, monkeypatch, how):
    source = inspect.getsource(permissions.rows)
    right, wrong = SPOILED[how]
    assert source.count(right) == 1, "the rule reads otherwise now: spoil it anew"
    scope = dict(vars(permissions))
    exec(source.replace(right, wrong), scope)
    with pytest.raises(AssertionError, match="Counter"):
        hold_against_the_oracle(world, scope["rows"])
