"""Who gets a ticket, by the rules alone: never too much, never the wrong one, never at the wrong time, and in turn."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketing.assignment import loosening, words
from ticketing.assignment.choosing import choose
from ticketing.assignment.fitting import may_take
from ticketing.assignment.kinds import RESTING, Because, PresenceState, Stage, Strategy
from ticketing.assignment.presence import SILENT_AFTER, present
from ticketing.assignment.values import Member, Need, Wanted
from ticketing.assignment.weights import weight

NOW = dt.datetime(2026, 11, 30, 9, 0, tzinfo=dt.UTC)
HERE = PresenceState.AVAILABLE
SKILLS, LANGUAGES, ZONES = ("fibre", "voice"), ("en", "es"), ("north", "south")
AUTOMATIC = [each for each in Strategy if each not in RESTING]

levels = st.integers(0, 5)
members = st.builds(
    Member,
    key=st.integers(1, 6),
    name=st.just("Somebody"),
    skills=st.dictionaries(st.sampled_from(SKILLS), levels),
    languages=st.frozensets(st.sampled_from(LANGUAGES)),
    zones=st.frozensets(st.sampled_from(ZONES)),
    capacity=st.integers(0, 4),
    load=st.integers(0, 4),
    presence=st.sampled_from(PresenceState),
    in_hours=st.booleans(),
    on_call=st.booleans(),
    last_given_at=st.none() | st.integers(0, 9).map(lambda n: NOW + dt.timedelta(minutes=n)),
    idle_since=st.none() | st.integers(0, 9).map(lambda n: NOW + dt.timedelta(minutes=n)),
)
people = st.lists(members, max_size=6, unique_by=lambda each: each.key)
needs = st.lists(
    st.builds(Need, skill=st.sampled_from(SKILLS), level=st.integers(1, 5), wished=st.booleans()), max_size=2,
    unique_by=lambda each: each.skill,
).map(tuple)  # fmt: skip
tickets = st.builds(
    Wanted,
    needs=needs,
    language=st.sampled_from(["", *LANGUAGES]),
    places=st.frozensets(st.sampled_from(ZONES)),
    weight=st.integers(1, 3),
    last_handler=st.none() | st.integers(1, 6),
    put_back_by=st.frozensets(st.integers(1, 6), max_size=1),
)
chains = st.lists(st.sampled_from(Strategy), min_size=1, max_size=2, unique=True)


def at(minutes: int) -> dt.datetime:
    return NOW + dt.timedelta(minutes=minutes)


def who(key: int, **more) -> Member:
    more = {"capacity": 5, "presence": HERE, **more}
    return Member(key=key, name=f"Person {key}", **more)


@given(people, tickets, chains, st.sampled_from(Stage))
def test_nobody_is_given_what_he_must_not_have(members, ticket, chain, stage):
    chosen = choose(ticket, members, chain, stage).member
    if chosen is None:
        return
    assert chosen in members and chosen.load + ticket.weight <= chosen.capacity
    assert chosen.key not in ticket.put_back_by
    assert not ticket.language or ticket.language in chosen.languages
    assert not chosen.zones or not ticket.places or chosen.zones & ticket.places
    by_rota = Strategy.ON_CALL in chain and chosen.on_call
    assert by_rota or (chosen.in_hours and chosen.presence == HERE)
    for need in ticket.needs:
        has = chosen.skills.get(need.skill, 0)
        if stage == Stage.STRICT:
            assert has >= need.level
        elif not need.wished:
            assert has >= need.level - (stage >= Stage.EASED)


@given(people, tickets, st.sampled_from(AUTOMATIC), st.sampled_from(Stage))
def test_somebody_who_fits_gets_it_and_everybody_else_is_told_of(members, ticket, strategy, stage):
    choice = choose(ticket, members, [strategy], stage)
    passed = {each.member.key for each in choice.passed}
    assert passed | ({choice.member.key} if choice.member else set()) == {each.key for each in members}
    if strategy not in (Strategy.STICKY, Strategy.ON_CALL):
        assert (choice.member is None) == all(may_take(each, ticket, stage) for each in members)
    assert len(words.passed_over(choice, {})) == len(choice.passed) and words.reason(choice, ticket)


@given(people, tickets, chains, st.randoms())
def test_the_same_people_ticket_and_moment_always_give_the_same_choice(members, ticket, chain, random):
    mixed = list(members)
    random.shuffle(mixed)
    assert choose(ticket, members, chain) == choose(ticket, mixed, chain)


@given(st.integers(2, 6), st.integers(1, 30), st.randoms())
def test_in_turn_nobody_gets_a_second_before_everybody_had_the_first(count, rounds, random):
    members = {key: who(key, capacity=100) for key in range(1, count + 1)}
    got: Counter[int] = Counter()
    for turn in range(rounds):
        order = list(members.values())
        random.shuffle(order)
        chosen = choose(Wanted(), order, [Strategy.ROUND_ROBIN]).member
        got[chosen.key] += 1
        members[chosen.key] = replace(chosen, load=chosen.load + 1, last_given_at=at(turn))
        counts = [got[key] for key in members]
        assert max(counts) - min(counts) <= 1


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5), st.integers(1, 40))
def test_by_room_nobody_is_overfilled_and_work_follows_capacity(capacities, count):
    members = {key: who(key, capacity=room) for key, room in enumerate(capacities)}
    for turn in range(count):
        chosen = choose(Wanted(), members.values(), [Strategy.LEAST_LOADED]).member
        if chosen is None:
            assert turn == sum(capacities)
            return
        assert all(chosen.fullness <= each.fullness for each in members.values() if each.load < each.capacity)
        members[chosen.key] = replace(chosen, load=chosen.load + 1, last_given_at=at(turn))
    assert count <= sum(capacities) and all(each.load <= each.capacity for each in members.values())


def test_each_strategy_has_its_own_choice():
    one = who(1, skills={"fibre": 2}, load=1, last_given_at=at(5), idle_since=at(1))
    two = who(2, skills={"fibre": 5}, load=3, last_given_at=at(1), idle_since=at(5))
    tre = who(3, skills={"fibre": 1}, load=4, last_given_at=at(3), idle_since=at(3), on_call=True)
    ticket = Wanted(needs=(Need("fibre", 1),), last_handler=3)
    found = {strategy: choose(ticket, [one, two, tre], [strategy]).member for strategy in Strategy}
    assert {strategy.value: member and member.key for strategy, member in found.items()} == {
        "manual": None, "pull": None, "round_robin": 2, "least_loaded": 1, "best_skill": 2, "longest_idle": 1,
        "sticky": 3, "on_call": 3,
    }  # fmt: skip


def test_the_second_strategy_decides_where_the_first_finds_nobody():
    one, two = who(1, load=2), who(2, load=1)
    chain = [Strategy.STICKY, Strategy.LEAST_LOADED]
    assert choose(Wanted(last_handler=1), [one, two], chain).member == one
    assert choose(Wanted(last_handler=9), [one, two], chain).member == two
    stays = choose(Wanted(last_handler=9), [one, two], [Strategy.STICKY])
    assert stays.member is None and {each.refusal.because for each in stays.passed} == {Because.OTHER_CUSTOMER}


def test_a_shift_on_call_stands_for_hours_and_presence_but_not_for_skill_or_room():
    called = who(1, on_call=True, in_hours=False, presence=PresenceState.OFFLINE)
    assert choose(Wanted(), [called], [Strategy.ON_CALL]).member == called
    assert choose(Wanted(), [called], [Strategy.ROUND_ROBIN]).member is None
    assert choose(Wanted(needs=(Need("fibre"),)), [called], [Strategy.ON_CALL]).member is None
    assert choose(Wanted(), [replace(called, load=5)], [Strategy.ON_CALL]).member is None


def test_why_she_got_it_is_said_in_words():
    ana = who(1, skills={"fibre": 4})
    full, weak = who(2, skills={"fibre": 3}, load=5), who(3, skills={"fibre": 1})
    away = who(4, skills={"fibre": 3}, presence=PresenceState.AWAY)
    ticket = Wanted(needs=(Need("fibre", 3),))
    choice = choose(ticket, [ana, full, weak, away], [Strategy.BEST_SKILL])
    assert words.reason(choice, ticket) == "Best in what it asks for (4 points)."
    assert words.passed_over(choice, {"fibre": "Fibre"}) == [
        "Person 2: has no room (5 of 5)", "Person 3: has Fibre 1, 3 is needed", "Person 4: is away",
    ]  # fmt: skip


def test_what_is_asked_is_loosened_step_by_step_and_then_somebody_is_told():
    ticket, step = Wanted(needs=(Need("fibre", 2), Need("voice", 1, wished=True))), dt.timedelta(minutes=10)
    known = loosening.stages(ticket, has_parent=True, relax_after=step)
    assert known == [Stage.STRICT, Stage.NO_WISHES, Stage.EASED, Stage.PARENT]
    at_minutes = {n: loosening.stage_at(known, NOW, step, at(n)) for n in (0, 9, 10, 20, 30, 500)}
    assert list(at_minutes.values()) == [0, 0, 1, 2, 3, 3]
    assert loosening.next_stage_at(known, NOW, step, at(12)) == at(20)
    assert [loosening.is_to_be_told(known, NOW, step, at(n)) for n in (39, 40)] == [False, True]
    strict = loosening.stages(ticket, has_parent=True, relax_after=None)
    assert strict == [Stage.STRICT] and loosening.stage_at(strict, NOW, None, at(500)) == Stage.STRICT
    junior = who(1, skills={"fibre": 1})
    assert [may_take(junior, ticket, stage) is None for stage in known] == [False, False, True, True]


def test_who_asks_for_work_need_not_be_available_but_must_be_able():
    member = who(1, presence=PresenceState.BUSY, in_hours=False)
    assert may_take(member, Wanted()).because == Because.HOURS
    assert may_take(member, Wanted(), by_oneself=True) is None
    assert may_take(member, Wanted(needs=(Need("fibre"),)), by_oneself=True).because == Because.SKILL
    assert may_take(replace(member, load=5), Wanted(), by_oneself=True).because == Because.FULL


@pytest.mark.parametrize(
    ("state", "until", "seen", "then"),
    [
        ("available", None, 0, "available"),
        ("busy", 30, 20, "busy"),
        ("busy", -1, 0, "available"),
        ("away", -1, 0, "available"),
        ("available", -1, 0, "offline"),
        ("available", None, -16, "offline"),
        ("away", 30, -16, "offline"),
        ("offline", None, 0, "offline"),
    ],
)
def test_presence_ends_by_itself_and_without_a_sign_of_life(state, until, seen, then):
    assert present(state, None if until is None else at(until), at(min(seen, 0)), NOW) == then
    assert present(state, None, None, NOW) == "offline" and dt.timedelta(minutes=15) == SILENT_AFTER


def test_a_ticket_weighs_what_its_priority_or_its_category_says():
    weights = {"priority": {"1": 3}, "category": {"outage": 5}}
    assert [weight(weights, priority=p, category=c) for p, c in ((1, "a"), (3, "outage"), (3, "a"))] == [3, 5, 1]
    assert weight({}, priority=1, category="outage") == 1
