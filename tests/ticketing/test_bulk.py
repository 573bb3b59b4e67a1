"""One thing done to many tickets: each is asked for itself, and what one refuses stops no other."""

from __future__ import annotations

import pytest

from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput, NotFound
from boss.notify.models import Message as Mail
from tests.cast import actor_of, make_user
from ticketing import bulks
from ticketing.choices import TicketState
from ticketing.models import Message, StaffNotice, Ticket, TicketBulk, TicketBulkItem
from ticketing.services import bulk, notices, pools, tickets
from ticketing.services.bulk import Chosen


@pytest.fixture
def four(desk, bob) -> list[Ticket]:
    return [tickets.open(actor=bob, category_key="office", title=f"No. {n}") for n in range(4)]


def chosen(rows, *, seen: bool = True) -> list[Chosen]:
    return [Chosen(ticket.public_id, ticket.version if seen else None) for ticket in rows]


def results(done: TicketBulk) -> list[tuple[str, str]]:
    return [(item.result, item.text) for item in bulks.list_items(done)]


def fresh(rows) -> list[Ticket]:
    return list(Ticket.objects.filter(pk__in=[ticket.pk for ticket in rows]).order_by("pk"))


@pytest.mark.parametrize(
    ("verb", "given", "is_so"),
    [
        ("take", {}, lambda ticket, cast: ticket.assignee_id == cast.bob.pk),
        ("pool", {"pool": "field"}, lambda ticket, cast: ticket.pool.key == "field"),
        ("priority", {"priority": "1"}, lambda ticket, cast: ticket.priority == 1),
        ("status", {"status": "state:waiting_other"}, lambda ticket, cast: ticket.state == "waiting_other"),
        ("status", {"status": "cancelled", "reason": "No money"}, lambda ticket, cast: ticket.state == "cancelled"),
        ("note", {"note": "Look at it"}, lambda ticket, cast: ticket.messages.get().kind == "internal"),
        ("resolve", {"note": "Done"}, lambda ticket, cast: ticket.state == TicketState.RESOLVED),
    ],
)
def test_each_action_does_to_every_ticket_what_its_verb_does(four, cast, bob, verb, given, is_so):
    done = bulk.begin(actor=bob, verb=verb, chosen=chosen(four), given=given)
    assert results(done) == [("done", "")] * 4 and done.ended_at is not None and done.due_at is None
    assert all(is_so(ticket, cast) for ticket in fresh(four))
    assert "note" not in done.given and "reason" not in done.given


def test_given_back_and_closed_are_two_more(four, bob):
    bulk.begin(actor=bob, verb="take", chosen=chosen(four))
    bulk.begin(actor=bob, verb="release", chosen=chosen(four, seen=False))
    assert {ticket.assignee_id for ticket in fresh(four)} == {None}
    bulk.begin(actor=bob, verb="resolve", chosen=chosen(four, seen=False))
    bulk.begin(actor=bob, verb="close", chosen=chosen(four, seen=False))
    assert {ticket.state for ticket in fresh(four)} == {TicketState.CLOSED}


def test_what_one_ticket_refuses_is_said_and_stops_no_other(four, fallen, bob, alice):
    tickets.claim(actor=alice, ticket=four[0])
    tickets.resolve(actor=bob, ticket=four[1])
    done = bulk.begin(actor=bob, verb="resolve", chosen=chosen([*four, fallen]))
    changed, ended, third, fourth, outcome = results(done)
    assert changed == ("refused", "Somebody has changed this ticket since you opened it. Look again before you go on.")
    assert ended[0] == "refused"
    assert third == fourth == ("done", "")
    assert outcome[0] == "refused" and "Choose one of the outcomes." in outcome[1]
    assert bulks.progress(done) == bulks.Progress(total=5, done=2, refused=3, failed=0)
    assert [ticket.state for ticket in fresh([four[0], fallen])] == [TicketState.OPEN, TicketState.NEW]


def test_an_error_nobody_thought_of_fails_one_ticket_and_leaves_it_as_it_was(four, bob, monkeypatch):
    real = tickets.prioritize

    def breaks(**given):
        done = real(**given)
        if given["ticket"].pk == four[1].pk:
            raise RuntimeError("secret of the inside")
        return done

    monkeypatch.setattr(tickets, "prioritize", breaks)
    done = bulk.begin(actor=bob, verb="priority", chosen=chosen(four), given={"priority": "1"})
    assert results(done)[1] == ("failed", "RuntimeError")
    assert [ticket.priority for ticket in fresh(four)] == [1, 3, 1, 1]


def test_the_right_is_asked_for_before_and_for_each_ticket_again(four, fred, cast):
    field = actor_of(fred)
    with pytest.raises(PermissionDenied):
        bulk.begin(actor=field, verb="assign", chosen=chosen(four), given={"user": fred.public_id})
    assert not TicketBulk.objects.exists() and {ticket.assignee_id for ticket in fresh(four)} == {None}

    # Asked for while he had the right; it was taken from him before the worker came.
    asked_by = {"asked_by": "Fred", "asked_by_kind": "user", "asked_by_number": fred.pk}
    waiting = TicketBulk.objects.create(verb="priority", given={"priority": "1"}, total=1, **asked_by)
    TicketBulkItem.objects.create(bulk=waiting, ticket=four[0], version=four[0].version, position=1)
    fred.role_grants.all().delete()
    bulk.go_on(cast.alpha.pk, waiting.pk)
    assert results(waiting)[0][0] == "refused"
    assert fresh(four)[0].priority == 3


def test_strangers_tickets_cannot_be_chosen_and_actions_are_seen_by_who_asked(four, bob, alice, charlie, in_beta, dana):
    with in_beta():
        with pytest.raises(InvalidInput) as refused:
            bulk.begin(actor=charlie, verb="take", chosen=chosen(four))
        assert "tickets" in refused.value.fields
    with pytest.raises(PermissionDenied):
        bulk.begin(actor=actor_of(dana), verb="take", chosen=chosen(four))
    assert {ticket.assignee_id for ticket in fresh(four)} == {None} and not TicketBulk.objects.exists()
    done = bulk.begin(actor=bob, verb="take", chosen=chosen(four))
    with pytest.raises(NotFound):
        bulks.get(alice, done.public_id)
    with in_beta(), pytest.raises(NotFound):
        bulks.get(charlie, done.public_id)


def test_whoever_is_given_forty_tickets_hears_of_it_once(desk, bob, cast, system):
    many = [tickets.open(actor=bob, category_key="office", title=f"No. {n}") for n in range(5)]
    bulk.begin(actor=bob, verb="assign", chosen=chosen(many), given={"user": cast.alice.public_id})
    (notice,) = StaffNotice.objects.all()
    assert notice.user_id == cast.alice.pk and "gave you 5 tickets" in notice.text
    before = Mail.objects.count()
    assert notices.deliver(actor=system, user_id=cast.alice.pk) == 1 and Mail.objects.count() == before + 1
    # Who gives tickets to himself knows.
    bulk.begin(actor=bob, verb="assign", chosen=chosen(many, seen=False), given={"user": cast.bob.public_id})
    assert StaffNotice.objects.count() == 1


def test_more_than_fifty_are_the_workers_and_come_to_the_same(
    four, bob, cast, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr(bulk, "AT_ONCE", 3)
    monkeypatch.setattr(bulk, "_ring", lambda *what: rung.append(what))
    with django_capture_on_commit_callbacks(execute=True):
        asked = bulk.begin(actor=bob, verb="take", chosen=chosen(four))
    assert rung == [(cast.alpha.pk, asked.pk)] and asked.ended_at is None
    assert {ticket.assignee_id for ticket in fresh(four)} == {None}
    assert bulk.go_on(cast.alpha.pk, asked.pk) == 4
    assert bulk.go_on(cast.alpha.pk, asked.pk) == 0  # a second ring finds nothing to do
    assert {ticket.assignee_id for ticket in fresh(four)} == {cast.bob.pk}


def test_the_same_form_sent_twice_is_one_action(four, bob):
    first = bulk.begin(actor=bob, verb="note", chosen=chosen(four), given={"note": "Once"}, key="form-1")
    again = bulk.begin(actor=bob, verb="note", chosen=chosen(four), given={"note": "Once"}, key="form-1")
    assert first.pk == again.pk
    assert Message.objects.filter(ticket__in=four, kind="internal").count() == 4


def test_what_is_asked_wrongly_changes_nothing(four, bob, monkeypatch):
    for field, asked in (
        ("action", {"verb": "burn"}),
        ("tickets", {"chosen": []}),
        ("tickets", {"chosen": [Chosen("0" * 12)]}),
        ("user", {"verb": "assign", "given": {"user": "nobody"}}),
        ("pool", {"verb": "pool", "given": {"pool": "sea"}}),
        ("priority", {"verb": "priority", "given": {"priority": "9"}}),
        ("note", {"verb": "note", "given": {"note": "  "}}),
    ):
        with pytest.raises(InvalidInput) as refused:
            bulk.begin(actor=bob, **{"verb": "take", "chosen": chosen(four), **asked})
        assert list(refused.value.fields) == [field]
    monkeypatch.setattr(bulk, "MOST", 3)
    with pytest.raises(InvalidInput):
        bulk.begin(actor=bob, verb="take", chosen=chosen(four))
    assert not TicketBulk.objects.exists() and [ticket.version for ticket in fresh(four)] == [1] * 4


def test_the_asking_and_every_change_are_in_the_audit(four, bob):
    bulk.begin(actor=bob, verb="take", chosen=chosen(four))
    told = list(AuditEntry.objects.order_by("pk").values_list("action", flat=True))
    assert told.count("tickets.bulk_asked") == 1 and told.count("ticket.claimed") == 4


def test_before_it_is_done_it_says_how_many_can_take_it(four, bob, system, desk, cast):
    nora = make_user(cast.alpha, "nora2@alpha.example", "Nora North", "noc")
    pools.add_member(actor=system, pool=desk.noc, user=nora)
    tickets.resolve(actor=bob, ticket=four[0])
    assert bulk.preview(actor=bob, verb="take", chosen=chosen(four)) == bulk.Preview(chosen=4, able=3)
    assert bulk.preview(actor=bob, verb="close", chosen=chosen(four)) == bulk.Preview(chosen=4, able=1)
    assert not TicketBulk.objects.exists()
