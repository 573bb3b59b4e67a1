"""Who is told of what happens on a ticket: by the provider's matrix, never more than it says, as the preview says."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Delivery, Message
from boss.tenancy.models import User
from boss.tenancy.services import calendars, roles, sites, users
from tests.cast import actor_of, make_user
from tests.ticketing.test_sla_promises import MONDAY, WEEK, Hand
from ticketing import desk as reads
from ticketing import dry_run, handlers, telling
from ticketing.choices import ParticipantRole, ParticipantState
from ticketing.errors import OnlyPeopleWatch
from ticketing.events import MessageAdded, TicketMoved, TicketOpened
from ticketing.models import Participant, Policy, StaffNotice, TicketDeadline
from ticketing.services import deadlines, notices, policies, recipients, tickets, watching
from ticketing.services.recipients import Cause
from ticketing.telling import CUSTOMERS, INSIDE, USUAL, Audience, Channel, Event


@pytest.fixture
def hand(monkeypatch):
    return Hand(monkeypatch)


def row(event: str, audience: str, *channels: str, **more) -> dict:
    return {"event": event, "audience": audience, "channels": list(channels) or ["mail"], **more}


def decide(system, *rows: dict, kind: str = "notification", **more) -> Policy:
    """The provider's matrix for the whole realm."""
    policy = Policy.objects.filter(key="told").first()
    if policy is None:
        policy = policies.create(actor=system, kind=kind, key="told", name="Told")
    policies.draft(actor=system, policy=policy, rules={"rows": list(rows), **more})
    policies.publish(actor=system, policy=policy)
    policies.use(actor=system, policy=policy, category=None)
    return policy


def said(message) -> None:
    handlers.pass_on_answer(MessageAdded(ticket_id=message.ticket_id, message_id=message.pk))


def mails() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("id").values_list("message__template", "address"))


def staff_told() -> list[tuple[str, str]]:
    rows = StaffNotice.objects.select_related("user").order_by("pk")
    return [(each.user.full_name, each.text) for each in rows]


def test_without_a_matrix_what_is_told_to_customers_is_what_always_was(hers, bob, dana):
    handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    said(tickets.add_message(actor=bob, ticket=hers, body="We look"))
    said(tickets.add_message(actor=bob, ticket=hers, body="Inside", kind="internal"))
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="Thanks"))
    assert mails() == [("ticket_received", dana.email), ("ticket_answer", dana.email)]


def test_what_the_matrix_leaves_out_is_told_to_nobody(hers, bob, system, dana):
    decide(system, row("resolved", "requester"))
    handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    said(tickets.add_message(actor=bob, ticket=hers, body="We look"))
    assert mails() == [] and staff_told() == []


def test_the_owner_hears_of_the_customers_message_and_not_of_his_own(hers, nora, dana, hand):
    tickets.claim(actor=actor_of(nora), ticket=hers)
    for _delivered_twice in range(2):
        said(tickets.add_message(actor=actor_of(nora), ticket=hers, body="One question"))
    assert staff_told() == []
    message = tickets.add_message(actor=actor_of(dana), ticket=hers, body="An answer")
    for _delivered_twice in range(2):
        said(message)
    assert staff_told() == [("Nora North", "The customer has written: Dana Dean")]


def test_who_watches_hears_once_in_fifteen_minutes_in_one_mail(hers, nora, dana, bob, hand, system):
    watching.watch(actor=actor_of(nora), ticket=hers)
    watching.watch(actor=actor_of(nora), ticket=hers)
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="One"))
    hand.on(minutes=9)
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="Two"))
    assert set(StaffNotice.objects.values_list("due_at", flat=True)) == {MONDAY + dt.timedelta(minutes=15)}
    hand.on(minutes=6)
    assert notices.deliver(actor=system, user_id=nora.pk) == 1
    assert mails() == [("desk_notices", nora.email)]
    watching.unwatch(actor=actor_of(nora), ticket=hers)
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="Three"))
    assert StaffNotice.objects.count() == 2


def test_only_staff_watch(hers, dana, system):
    for actor in (actor_of(dana), system):
        with pytest.raises((OnlyPeopleWatch, PermissionDenied)):
            watching.watch(actor=actor, ticket=hers)
    assert not Participant.objects.filter(role=ParticipantRole.WATCHER).exists()


def test_of_two_rows_that_mean_one_person_he_is_told_once_by_both_ways(hers, nora, dana, system):
    decide(system, row("customer_reply", "assignee", "mail"), row("customer_reply", "pool", "in_app"))
    tickets.claim(actor=actor_of(nora), ticket=hers)
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="Hello?"))
    notice = StaffNotice.objects.get()
    assert (notice.user, notice.in_app, notice.due_at is not None) == (nora, True, True)


def test_a_note_never_reaches_a_customer_whatever_the_matrix_says(hers, bob, system):
    with pytest.raises(InvalidInput) as refused:
        decide(system, row("note", "requester"))
    assert list(refused.value.fields) == ["rows.0.audience"]
    forced = telling.Matrix((telling.Row("note", "requester", ("mail",)),))
    told = recipients.plan(hers, Event.NOTE, cause=Cause(), matrix=forced)
    assert told.told == [] and [each.because for each in told.left_out] == ["is never told what happens inside"]


def test_a_refused_matrix_says_what_is_wrong_beside_its_field_and_keeps_nothing(desk, system):
    policy = policies.create(actor=system, kind="notification", key="told", name="Told")
    wrong = [
        row("opened", "requester", "in_app"),
        row("opened", "requester", hours="recipient"),
        row("opened", "pool", hours="nowhere", wording="{nobody}", wait=-1),
        {"event": "x", "audience": "y"},
    ]
    with pytest.raises(InvalidInput) as refused:
        policies.draft(actor=system, policy=policy, rules={"rows": wrong, "unassigned_after": True})
    assert set(refused.value.fields) == {
        "rows.0.channels", "rows.1.hours", "rows.1.audience", "rows.2.hours", "rows.2.wording", "rows.2.wait",
        "rows.3.event", "rows.3.audience", "rows.3.channels", "unassigned_after",
    }  # fmt: skip
    policy.refresh_from_db()
    assert policy.draft is None


def test_quiet_hours_are_the_recipients_own(hers, nora, dana, hand, system, desk):
    hours = calendars.define(actor=system, key="early", name="Early", time_zone="UTC", weekly={"tue": ["06:00-09:00"]})
    desk.noc.members.filter(user=nora).update(calendar=hours)
    tickets.claim(actor=actor_of(nora), ticket=hers)
    said(tickets.add_message(actor=actor_of(dana), ticket=hers, body="Hello?"))
    assert StaffNotice.objects.get().due_at == MONDAY.replace(month=12, day=1, hour=6)


def test_a_mail_to_a_customer_waits_for_the_hours_the_row_says(hers, bob, system, hand, dana):
    calendars.define(actor=system, key="desk", name="Desk", time_zone="UTC", weekly=WEEK)
    decide(system, row("staff_reply", "requester", hours="desk", wording="A word before: {ticket_number}"))
    hand.set(MONDAY.replace(hour=22))
    said(tickets.add_message(actor=bob, ticket=hers, body="We look"))
    assert Delivery.objects.get().due_at == MONDAY.replace(month=12, day=1, hour=8)
    assert f"A word before: {hers.number}" in Message.objects.get().text


def test_the_pool_hears_of_a_ticket_nobody_has_for_five_minutes_and_only_once(hers, nora, hand, system):
    hers.refresh_from_db()
    handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    due = TicketDeadline.objects.get(purpose="unassigned")
    assert due.due_at == hers.opened_at + dt.timedelta(minutes=5)
    hand.set(due.due_at - dt.timedelta(seconds=1))
    assert not deadlines.fire(actor=system, deadline_id=due.pk)
    hand.set(due.due_at)
    assert deadlines.fire(actor=system, deadline_id=due.pk) and not deadlines.fire(actor=system, deadline_id=due.pk)
    assert staff_told() == [("Nora North", "Nobody has it for 5 minutes")]


def test_a_ticket_that_was_taken_in_time_is_told_to_no_pool(hers, nora, hand, system):
    handlers.acknowledge(TicketOpened(ticket_id=hers.pk))
    ticket = tickets.claim(actor=actor_of(nora), ticket=hers)
    handlers.tell_moved(TicketMoved(ticket_id=ticket.pk, seq=ticket.version))
    assert TicketDeadline.objects.get().due_at is None and staff_told() == []


def test_who_is_given_a_ticket_sees_it_in_the_console_until_he_has_looked(hers, nora, bob, system):
    ticket = tickets.assign(actor=bob, ticket=hers, user=nora)
    handlers.tell_moved(TicketMoved(ticket_id=ticket.pk, seq=ticket.version))
    mine = reads.list_notices(actor_of(nora))
    assert [(each.text, each.due_at) for each in mine] == [("Given to Nora North by Bob Baker", None)]
    assert not reads.list_notices(bob).exists()
    assert notices.mark_seen(actor=actor_of(nora)) == 1 and notices.mark_seen(actor=actor_of(nora)) == 0


def test_who_looks_after_the_building_is_told_only_while_the_ticket_is_shared(hers, dana, cast, system, bob):
    decide(system, row("staff_reply", "owner"))
    house = sites.create_organization(actor=system, name="Elm Court", kind="owner")
    owner = users.create(
        actor=system, email="olga@elm.example", full_name="Olga Owner", kind="contact", organization=house
    )
    roles.grant(actor=system, user=owner, role_key="organization_contact", organization=house)
    said(tickets.add_message(actor=bob, ticket=hers, body="Nobody else hears"))
    assert mails() == []
    type(hers).objects.filter(pk=hers.pk).update(organization=house)
    hers.refresh_from_db()
    said(tickets.add_message(actor=bob, ticket=hers, body="Shared now"))
    assert mails() == [("ticket_answer", owner.email)]


def test_the_dry_run_names_who_would_be_told_and_who_not_and_why(hers, system, nora, bob):
    policy = decide(system, row("opened", "requester"), row("opened", "pool", "in_app"))
    policy.refresh_from_db()
    [trial] = dry_run.of(bob, policy, policy.current.rules, hers.number)
    assert [(line.what, line.then) for line in trial.lines] == [
        ("Opened", "goes to: Dana Dean (E-mail), Nora North (In the console)")
    ]
    assert mails() == [] and staff_told() == []


rows = st.builds(
    telling.Row,
    event=st.sampled_from(Event.values),
    audience=st.sampled_from(Audience.values),
    channels=st.sampled_from([("mail",), ("in_app",), ("mail", "in_app")]),
)


@given(
    matrix=st.lists(rows, max_size=8, unique_by=lambda each: (each.event, each.audience)),
    event=st.sampled_from(Event.values),
    cause=st.integers(0, 5),
    held=st.booleans(),
    gone=st.booleans(),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_nobody_is_told_twice_nor_who_did_it_nor_who_may_not_hear_it(
    populated, matrix, event, cause, held, gone
) -> None:
    ticket, people = populated
    Participant.objects.filter(email="leo@home.example").update(
        state=ParticipantState.HELD if held else ParticipantState.ACCEPTED
    )
    User.objects.filter(pk=people[1].pk).update(is_active=not gone)
    did = people[cause].pk if cause < len(people) else None
    told = recipients.plan(ticket, event, cause=Cause(did), matrix=telling.Matrix(tuple(matrix)))
    addresses = [each.address.lower() for each in told.told]
    assert len(addresses) == len(set(addresses))
    for each in told.told:
        rows_of = {one.audience for one in matrix if one.event == event}
        assert each.audience in rows_of
        assert not (each.audience in CUSTOMERS and event in INSIDE)
        assert not held or each.address != "leo@home.example"
        assert each.user is None or each.user.is_active
        confirms = event == Event.OPENED and each.audience == Audience.REQUESTER
        assert confirms or each.user is None or each.user.pk != did
        assert each.address != "stranger@alpha.example"
    names = {each.name for each in told.told}
    assert not names & {each.name for each in told.left_out}


@pytest.fixture
def populated(hers, dana, nora, fred, cast, system, alpha):
    """A ticket with an owner, a watcher, a pool, somebody in copy, and a watcher who may see no tickets any more."""
    tickets.claim(actor=actor_of(nora), ticket=hers)
    watching.watch(actor=actor_of(cast.bob), ticket=hers)
    stranger = make_user(alpha, "stranger@alpha.example", "Stan Stranger", "noc")
    watching.watch(actor=actor_of(stranger), ticket=hers)
    stranger.role_grants.all().delete()
    Participant.objects.create(
        ticket=hers, role=ParticipantRole.CC, email="leo@home.example", name="Leo", added_by="Dana"
    )
    hers.refresh_from_db()
    return hers, [dana, nora, fred, cast.bob, stranger]


def test_the_usual_matrix_is_one_that_a_provider_may_write():
    assert telling.read(USUAL.to_json(), calendars=frozenset()) == USUAL
    assert {Channel.MAIL.value, Channel.IN_APP.value} == set(Channel.values)
