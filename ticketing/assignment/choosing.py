"""The strategies. The same people, ticket and moment always give the same choice."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from ticketing.assignment.fitting import may_take
from ticketing.assignment.kinds import RESTING, Because, Stage, Strategy
from ticketing.assignment.values import Choice, Member, Passed, Refusal, Wanted

_LONG_AGO = dt.datetime.min.replace(tzinfo=dt.UTC)


def choose(
    ticket: Wanted, members: Iterable[Member], strategies: Sequence[Strategy], stage: Stage = Stage.STRICT
) -> Choice:
    """The first strategy that finds somebody decides. One that rests (by hand, by the button) ends the search."""
    people = sorted(members, key=lambda each: each.key)
    choice = Choice(None, Strategy.MANUAL, stage)
    for strategy in strategies:
        if strategy in RESTING:
            return choice if choice.passed else Choice(None, strategy, stage)
        choice = _by(strategy, ticket, people, stage)
        if choice.member is not None:
            return choice
    return choice


def _by(strategy: Strategy, ticket: Wanted, people: Sequence[Member], stage: Stage) -> Choice:
    fitting, passed = [], []
    for member in people:
        refusal = may_take(member, ticket, stage, on_call=strategy == Strategy.ON_CALL)
        if refusal is None and strategy == Strategy.STICKY and member.key != ticket.last_handler:
            refusal = Refusal(Because.OTHER_CUSTOMER)
        if refusal is None:
            fitting.append(member)
        else:
            passed.append(Passed(member, refusal))
    if not fitting:
        return Choice(None, strategy, stage, tuple(passed))
    first, *rest = sorted(fitting, key=lambda member: _order(strategy, member, ticket))
    behind = [Passed(member, Refusal(Because.BEHIND)) for member in rest]
    return Choice(first, strategy, stage, (*behind, *passed))


def _order(strategy: Strategy, member: Member, ticket: Wanted) -> tuple[Any, ...]:
    """Least comes first. The id decides last, so that no order is left to chance."""
    given = member.last_given_at or _LONG_AGO
    if strategy == Strategy.ROUND_ROBIN:
        return (given, member.key)
    if strategy == Strategy.LONGEST_IDLE:
        return (member.idle_since or given, member.key)
    if strategy == Strategy.BEST_SKILL:
        return (-skill(member, ticket), member.fullness, given, member.key)
    return (member.fullness, given, member.key)


def skill(member: Member, ticket: Wanted) -> int:
    """How good somebody is at what a ticket asks for and wishes: levels summed up."""
    return sum(member.skills.get(need.skill, 0) for need in ticket.needs)
