"""Tickets of pools go to people: the right one, once, never too many, and it is said why."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.models import Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.tenancy.services import calendars
from tests.cast import actor_of, make_user
from tests.ticketing.conftest import make_desk
from tests.ticketing.test_races import at_once
from tests.ticketing.test_sla_promises import MONDAY, WEEK, Hand
from ticketing import staffing, tasks, workload
from ticketing.assignment.presence import SILENT_AFTER
from ticketing.audiences import Audiences
from ticketing.errors import NotYourPool, PoolsInCircle
from ticketing.events import RoomMade, TicketOpened, TicketWaits
from ticketing.handlers import place_new, place_waiting, use_room
from ticketing.models import PoolMember, PoolWait, StaffNotice, StaffPresence, TalentPool, Ticket, TicketEvent
from ticketing.services import assigning, pools, presence, relieving, skills, tickets

MINUTES_10 = dt.timedelta(minutes=10)


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


@pytest.fixture
def team(hand, cast, desk, system):
    """Ana, Ben and Cleo in the network's pool, in turn; all of them here."""
    found = [
        make_user(cast.alpha, f"{name.split()[0].lower()}@alpha.example", name, "noc")
        for name in ("Ana Ash", "Ben Birch", "Cleo Cox")
    ]
    for user in found:
        pools.add_member(actor=system, pool=desk.noc, user=user)
        presence.set_presence(actor=actor_of(user), state="available")
    configure(system, desk.noc, strategy="round_robin")
    return found


def configure(actor: Actor, pool: TalentPool, **settings) -> TalentPool:
    return pools.configure(actor=actor, pool=pool, **{"name": pool.name, **settings})


def member(actor: Actor, pool: TalentPool, user, **settings) -> PoolMember:
    return pools.change_member(actor=actor, pool=pool, user=user, **settings)


def opened(actor: Actor, **more) -> Ticket:
    """A ticket of the network's pool, after what waits in the outbox was handled."""
    ticket = tickets.open(actor=actor, category_key="fallout", title="Down", **more)
    place_new(TicketOpened(ticket_id=ticket.pk))
    ticket.refresh_from_db()
    return ticket


def owners(*found: Ticket) -> list[str | None]:
    for ticket in found:
        ticket.refresh_from_db()
    return [ticket.assignee.get_short_name() if ticket.assignee else None for ticket in found]


def why(ticket: Ticket) -> dict:
    return TicketEvent.objects.filter(ticket=ticket, type="assigned").latest("seq").after


def test_tickets_go_to_each_in_turn_and_it_is_said_why(team, system):
    found = [opened(system) for _ in range(4)]
    assert owners(*found) == ["Ana", "Ben", "Cleo", "Ana"]
    told = why(found[0])
    assert told["reason"] == "In turn: whose last one is longest ago."
    assert told["passed_over"] == ["Ben Birch: fits, but comes later", "Cleo Cox: fits, but comes later"]
    assert found[0].state == "open" and not PoolWait.objects.exists()


def test_what_is_given_in_one_look_is_in_turn_as_well(team, desk, system):
    found = [tickets.open(actor=system, category_key="fallout", title="Down") for _ in range(7)]
    assert assigning.distribute(actor=system, pool_id=desk.noc.pk) == 7
    assert owners(*found) == ["Ana", "Ben", "Cleo", "Ana", "Ben", "Cleo", "Ana"]


def test_what_nobody_can_have_does_not_stand_in_the_way_of_the_rest(team, desk, system, monkeypatch):
    monkeypatch.setattr(assigning, "MOST_AT_ONCE", 2)
    fibre = skills.define(actor=system, key="fibre", name="Fibre")
    skills.ask(actor=system, category=desk.trouble, skill=fibre)
    hard = [
        tickets.open(actor=system, category_key="trouble", title="Hm", priority=1, data={"symptom": "slow"})
        for _ in range(3)
    ]
    easy = [tickets.open(actor=system, category_key="fallout", title="Down") for _ in range(3)]
    given = [assigning.distribute(actor=system, pool_id=desk.noc.pk) for _ in range(3)]
    assert (given, owners(*hard), owners(*easy)) == ([2, 1, 0], [None] * 3, ["Ana", "Ben", "Cleo"])


def test_in_a_pool_where_people_help_themselves_nobody_is_given_anything(team, desk, system):
    for strategy in ("manual", "pull"):
        configure(system, desk.noc, strategy=strategy)
        assert owners(opened(system)) == [None]
    assert not PoolWait.objects.exists()


def test_the_acceptance_scenario_gives_thirty_tickets_to_the_right_three_people(team, cast, desk, system):
    """Scenario 12: one lacks the skill, one is at capacity, one is offline; who is left has the rest."""
    dora = make_user(cast.alpha, "dora@alpha.example", "Dora Dell", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=dora)
    presence.set_presence(actor=actor_of(dora), state="available")
    fibre = skills.define(actor=system, key="fibre", name="Fibre")
    skills.ask(actor=system, category=desk.fallout, skill=fibre, level=3)
    ana, ben, cleo = team
    member(system, desk.noc, ana, skills={"fibre": 2}, capacity=50)
    member(system, desk.noc, ben, skills={"fibre": 4}, capacity=2)
    member(system, desk.noc, cleo, skills={"fibre": 5}, capacity=50)
    member(system, desk.noc, dora, skills={"fibre": 3}, capacity=50)
    presence.set_presence(actor=actor_of(cleo), state="offline")
    configure(system, desk.noc, strategy="least_loaded")
    found = [opened(system) for _ in range(30)]
    names = owners(*found)
    assert {name: names.count(name) for name in set(names)} == {"Ben": 2, "Dora": 28}
    assert why(found[-1])["passed_over"] == [
        "Ana Ash: has Fibre 2, 3 is needed", "Ben Birch: has no room (2 of 2)", "Cleo Cox: is offline",
    ]  # fmt: skip


def test_nobody_is_given_work_outside_hours(team, hand, desk, system):
    desk_hours = calendars.define(actor=system, key="desk", name="Desk hours", time_zone="UTC", weekly=WEEK)
    configure(system, desk.noc, strategy="round_robin", calendar=desk_hours)
    late = calendars.define(actor=system, key="late", name="Nights", time_zone="UTC", weekly={"mon": ["20:00-24:00"]})
    member(system, desk.noc, team[1], calendar=late)
    assert owners(opened(system), opened(system)) == ["Ana", "Cleo"]
    hand.set(MONDAY.replace(hour=21))
    for user in team:
        presence.set_presence(actor=actor_of(user), state="available")
    assert owners(opened(system)) == ["Ben"]


def test_language_zone_and_fields_are_asked_for(team, cast, desk, dana, system):
    ana, ben, cleo = team
    skills.ask(actor=system, category=desk.trouble, language="customer")
    voice = skills.define(actor=system, key="voice", name="Voice")
    skills.ask(actor=system, category=desk.trouble, skill=voice, field="symptom", value="dead")
    dana.language = "es"
    dana.save()
    member(system, desk.noc, ana, languages=["en"])
    member(system, desk.noc, ben, languages=["ES"], skills={"voice": 1})
    member(system, desk.noc, cleo, languages=["es", "en"])
    wanted = {"actor": actor_of(dana), "category_key": "trouble", "title": "Hm"}
    for symptom, name in (("slow", "Ben"), ("slow", "Cleo"), ("dead", "Ben")):
        ticket = tickets.open(**wanted, data={"symptom": symptom})
        place_new(TicketOpened(ticket_id=ticket.pk))
        assert owners(ticket) == [name]


def test_heavy_tickets_take_more_room_and_work_of_other_pools_counts(team, desk, system):
    for user in team[1:]:
        pools.remove_member(actor=system, pool=desk.noc, user=user)
    ana = team[0]
    member(system, desk.noc, ana, capacity=4)
    configure(system, desk.noc, strategy="least_loaded", weights={"priority": {"1": 3}, "category": {"office": 2}})
    other = tickets.open(actor=system, category_key="office", title="Elsewhere", pool_key="field")
    tickets.assign(actor=system, ticket=other, user=ana)
    assert owners(opened(system, priority=1), opened(system), opened(system, priority=1)) == ["Ana", None, None]
    assert staffing.loads([ana.pk]) == {ana.pk: 4}


def test_what_waits_is_given_when_somebody_gets_room_or_comes(team, desk, system):
    ana = team[0]
    for user in team:
        member(system, desk.noc, user, capacity=1)
    presence.set_presence(actor=actor_of(team[2]), state="away", reason="Lunch")
    first, second, third, fourth = (opened(system) for _ in range(4))
    assert owners(first, second, third, fourth) == ["Ana", "Ben", None, None]
    tickets.resolve(actor=actor_of(ana), ticket=first)
    use_room(RoomMade(user_id=ana.pk))
    assert owners(third, fourth) == ["Ana", None]
    presence.set_presence(actor=actor_of(team[2]), state="available")
    use_room(RoomMade(user_id=team[2].pk))
    assert owners(fourth) == ["Cleo"]


def test_who_puts_a_ticket_back_does_not_get_it_again_by_himself(team, system):
    ticket = opened(system)
    for name, then in (("Ana", "Ben"), ("Ben", "Cleo"), ("Cleo", None)):
        assert owners(ticket) == [name]
        had = ticket.assignee
        tickets.release(actor=actor_of(had), ticket=ticket)
        place_waiting(TicketWaits(ticket_id=ticket.pk))
        assert owners(ticket) == [then]


def test_the_verbs_say_what_waits_and_who_has_room(team, desk, system):
    def facts(name: str) -> list[dict]:
        return list(Fact.objects.filter(name=name).order_by("pk").values_list("payload", flat=True))

    ana = actor_of(team[0])
    ticket = tickets.open(actor=system, category_key="fallout", title="Down")
    before = len(facts("ticketing.room_made"))
    tickets.claim(actor=ana, ticket=ticket)
    tickets.release(actor=ana, ticket=ticket)
    assert facts("ticketing.ticket_waits") == [{"ticket_id": ticket.pk}]
    tickets.claim(actor=ana, ticket=ticket)
    tickets.resolve(actor=ana, ticket=ticket)
    tickets.reopen(actor=ana, ticket=ticket)
    tickets.cancel(actor=ana, ticket=ticket, reason="Mistake")
    assert facts("ticketing.room_made")[before:] == [{"user_id": ana.user_id}] * 3


def test_skills_are_loosened_step_by_step_and_the_supervisor_is_told_once(team, hand, desk, cast, system, bob):
    fibre = skills.define(actor=system, key="fibre", name="Fibre")
    skills.ask(actor=system, category=desk.fallout, skill=fibre, level=3)
    configure(system, desk.noc, strategy="round_robin", relax_after=MINUTES_10)
    pools.set_supervisors(actor=system, pool=desk.noc, users=[cast.bob])
    member(system, desk.noc, team[1], skills={"fibre": 2})
    member(system, desk.noc, team[2], skills={"fibre": 1})
    first = opened(system)
    hand.on(minutes=9)
    assert assigning.distribute(actor=system, pool_id=desk.noc.pk) == 0 and owners(first) == [None]
    hand.on(minutes=1)
    assert assigning.distribute(actor=system, pool_id=desk.noc.pk) == 1 and owners(first) == ["Ben"]
    assert "Loosened: one level less of each skill" in why(first)["reason"]
    member(system, desk.noc, team[1], skills={"fibre": 1})
    second = opened(system)
    for _ in range(4):
        hand.on(minutes=10)
        for user in team:
            presence.seen(actor=actor_of(user))
        assigning.distribute(actor=system, pool_id=desk.noc.pk)
    assert owners(second) == [None]
    notice = StaffNotice.objects.get()
    assert (notice.user, notice.text) == (cast.bob, "Nobody in Network fits: 3 lacks a skill")


def test_people_of_the_pool_above_come_last(team, hand, desk, system):
    configure(system, desk.field, strategy="round_robin", parent=desk.noc, relax_after=MINUTES_10)
    ticket = tickets.open(actor=system, category_key="office", title="Ladder", pool_key="field")
    place_new(TicketOpened(ticket_id=ticket.pk))
    assert owners(ticket) == [None]
    hand.on(minutes=11)
    assert assigning.distribute(actor=system, pool_id=desk.field.pk) == 1
    ticket.refresh_from_db()
    assert owners(ticket) == ["Ana"] and ticket.pool == desk.field
    with pytest.raises(PoolsInCircle):
        configure(system, desk.noc, parent=desk.field)


def test_whoever_had_the_customers_last_ticket_gets_the_next(team, desk, dana, system):
    configure(system, desk.noc, strategy="sticky", otherwise="round_robin")
    wanted = {"actor": actor_of(dana), "category_key": "trouble", "title": "Hm", "data": {"symptom": "slow"}}
    found = []
    for _ in range(3):
        ticket = tickets.open(**wanted)
        place_new(TicketOpened(ticket_id=ticket.pk))
        found.append(ticket)
    assert owners(*found) == ["Ana", "Ana", "Ana"] and why(found[2])["reason"] == "Had the customer's last ticket."
    assert owners(opened(system)) == ["Ben"]


def test_who_is_on_call_gets_it_at_night_and_is_the_one_a_page_reaches(team, hand, desk, system):
    ana, ben, _cleo = team
    configure(system, desk.noc, strategy="on_call")
    pools.add_shift(actor=system, pool=desk.noc, user=ben, starts_at=MONDAY, ends_at=MONDAY + dt.timedelta(hours=12))
    presence.set_presence(actor=actor_of(ben), state="offline")
    ticket = opened(system)
    assert owners(ticket) == ["Ben"]
    assert Audiences(ticket).people("on_call") == [ben]
    hand.on(hours=12)
    assert Audiences(ticket).people("on_call") == [] and owners(opened(system)) == [None]
    with pytest.raises(InvalidInput):
        pools.add_shift(actor=system, pool=desk.noc, user=ana, starts_at=MONDAY, ends_at=MONDAY)


def test_presence_goes_offline_without_a_sign_of_life_and_does_not_come_back_by_itself(team, hand, system):
    ana = actor_of(team[0])
    hand.set(MONDAY + SILENT_AFTER)
    assert presence.seen(actor=ana).state == "available"
    hand.set(MONDAY + SILENT_AFTER * 3)
    assert presence.seen(actor=ana).state == "offline"
    assert owners(opened(system)) == [None]
    with pytest.raises(InvalidInput) as refused:
        presence.set_presence(actor=ana, state="busy", until=MONDAY)
    assert "until" in refused.value.fields and StaffPresence.objects.get(user=team[0]).state == "offline"
    presence.set_presence(actor=ana, state="busy", reason="Call", until=clock.now() + MINUTES_10)
    hand.on(minutes=10)
    assert owners(opened(system)) == ["Ana"]


def test_supervisors_reach_their_own_pool_and_no_other(team, desk, system):
    ana, ben, _cleo = team
    lead = actor_of(ana)
    ticket = opened(system)
    for refused in (
        lambda: workload.of_pool(lead, "noc"),
        lambda: relieving.pass_on(actor=lead, pool=desk.noc, user=ana, count=1, to=ben),
    ):
        with pytest.raises(NotYourPool):
            refused()
    with pytest.raises(PermissionDenied):
        tickets.assign(actor=lead, ticket=ticket, user=ben)
    assert owners(ticket) == ["Ana"]
    pools.set_supervisors(actor=system, pool=desk.noc, users=[ana])
    assert workload.of_pool(lead, "noc").open == 1 and staffing.supervised(lead) == [desk.noc]
    assert relieving.pass_on(actor=lead, pool=desk.noc, user=ana, count=5, to=ben) == 1
    member(lead, desk.noc, ben, capacity=3)
    with pytest.raises(NotYourPool):
        workload.of_pool(lead, "field")
    for refused in (
        lambda: configure(lead, desk.noc, strategy="manual"),
        lambda: pools.add_member(actor=lead, pool=desk.field, user=ana),
        lambda: pools.set_supervisors(actor=lead, pool=desk.noc, users=[ana, ben]),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert [user.full_name for user in staffing.supervisors(desk.noc)] == ["Ana Ash"] and owners(ticket) == ["Ben"]


def test_work_taken_off_somebody_goes_to_the_others(team, desk, system):
    found = [opened(system) for _ in range(3)]
    tickets.assign(actor=system, ticket=found[1], user=team[0])
    assert relieving.pass_on(actor=system, pool=desk.noc, user=team[0], count=2) == 2
    for each in (found[0], found[1]):
        place_waiting(TicketWaits(ticket_id=each.pk))
    assert owners(*found) == ["Ben", "Cleo", "Cleo"]


def test_the_board_of_fifty_people_takes_as_many_statements_as_that_of_three(team, cast, desk, system, hand):
    def board() -> tuple[int, workload.Workload]:
        with CaptureQueriesContext(connection) as seen:
            found = workload.of_pool(system, "noc")
        return len(seen), found

    for _ in range(2):
        opened(system)
    few, first = board()
    for n in range(47):
        user = make_user(cast.alpha, f"m{n}@alpha.example", f"Member {n:02}", "noc")
        pools.add_member(actor=system, pool=desk.noc, user=user)
    many, second = board()
    assert few == many <= 11 and (len(first.people), len(second.people)) == (3, 50)
    assert (second.open, second.waiting, [each.held for each in second.people[:3]]) == (2, 0, [1, 1, 0])
    with CaptureQueriesContext(connection) as one:
        opened(system)
    with CaptureQueriesContext(connection) as look:
        assigning.distribute(actor=system, pool_id=desk.noc.pk)
    assert len(one) < 75 and len(look) <= 6


def test_the_realms_sweep_gives_what_waits_and_forgets_pools_where_nothing_does(real_db, cast):
    """A ticket that was in its pool before it gave tickets out; nobody rang for it."""
    with scoping.realm_transaction(cast.alpha.pk):
        system = Actor.system(cast.alpha.pk)
        desk = make_desk(system)
        pools.add_member(actor=system, pool=desk.noc, user=cast.bob)
        presence.set_presence(actor=actor_of(cast.bob), state="available")
        ticket = tickets.open(actor=system, category_key="fallout", title="Down")
        pools.configure(actor=system, pool=desk.noc, name="Network", strategy="longest_idle")
    assert tasks.escalate() == 1
    with scoping.realm_transaction(cast.alpha.pk):
        assert owners(ticket) == ["Bob"]
        assert TalentPool.objects.get(key="noc").look_at is None
    assert tasks.escalate() == 0


def test_two_tickets_at_once_never_overfill_a_member(real_db, cast):
    """Eight tickets, eight workers, two people with room for three each."""
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        system = Actor.system(realm_id)
        desk = make_desk(system)
        for user in (cast.alice, cast.bob):
            pools.add_member(actor=system, pool=desk.noc, user=user)
            pools.change_member(actor=system, pool=desk.noc, user=user, capacity=3)
            presence.set_presence(actor=actor_of(user), state="available")
        pools.configure(actor=system, pool=desk.noc, name="Network", strategy="least_loaded")
        found = [tickets.open(actor=system, category_key="fallout", title=f"Down {n}") for n in range(8)]
    at_once(realm_id, *[lambda key=each.pk: place_new(TicketOpened(ticket_id=key)) for each in found])
    with scoping.realm_transaction(realm_id):
        names = owners(*found)
        assert {name: names.count(name) for name in set(names)} == {"Alice": 3, "Bob": 3, None: 2}
        assert PoolWait.objects.count() == 2
        given = TicketEvent.objects.filter(type="assigned").values_list("ticket_id", flat=True)
        assert len(given) == len(set(given)) == 6
