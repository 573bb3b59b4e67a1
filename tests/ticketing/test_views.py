"""Saved views: a list under a name, for oneself, a pool or everybody. It widens nobody's sight."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from boss.core import clock
from boss.core.models import AuditEntry
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.core.schema import Characteristic
from tests.cast import actor_of, make_user
from ticketing import lists, saved_views
from ticketing.choices import SharedWith
from ticketing.errors import OnlyPeopleKeepViews, ViewNotFound
from ticketing.models import SavedView, Ticket
from ticketing.services import categories, pools, tickets, views


@pytest.fixture
def three(desk, bob, system) -> list[Ticket]:
    """A stapler for Bob, a router nobody has, and a roof that is late."""
    stapler = tickets.open(actor=bob, category_key="office", title="Stapler is empty")
    router = tickets.open(actor=system, category_key="fallout", title="Router silent", priority=1)
    roof = tickets.open(
        actor=system, category_key="office", title="Roof 100% wet", due_at=clock.now() - dt.timedelta(hours=1)
    )
    tickets.claim(actor=bob, ticket=stapler)
    return [stapler, router, roof]


def found(actor, **filters) -> list[str]:
    wanted = lists.read({key.replace("__", "."): value for key, value in filters.items()})
    return sorted(ticket.title.split()[0] for ticket in lists.Reader(actor).find(wanted).rows)


def test_each_filter_narrows_the_list_by_what_it_says(three, desk, bob, cast):
    assert found(bob) == ["Roof", "Router", "Stapler"]
    assert found(bob, owner="me") == found(bob, owner=cast.bob.public_id) == found(bob, state="open") == ["Stapler"]
    assert found(bob, owner="nobody") == ["Roof", "Router"]
    assert found(bob, pool="noc") == found(bob, priority="1") == found(bob, category="fallout") == ["Router"]
    assert found(bob, pool="mine") == []
    assert found(bob, due="late") == found(bob, due="today") == ["Roof"]
    assert found(bob, due="never", category="office") == ["Stapler"]
    assert found(bob, text="0% w") == found(bob, text=three[2].number.lower()) == ["Roof"]
    today = str(timezone.localdate(clock.now()))
    assert found(bob, opened_from=today, opened_until=today) == ["Roof", "Router", "Stapler"]
    assert found(bob, opened_until="2020-01-01") == []
    assert list(lists.Reader(bob).find(lists.read({"text": "ro", "opened_from": "soon"})).errors) == [
        "opened_from", "text"
    ]  # fmt: skip
    tickets.resolve(actor=bob, ticket=three[0])
    assert found(bob, state="resolved") == ["Stapler"] and "Stapler" not in found(bob)
    assert found(bob, state="all", status="resolved") == ["Stapler"]


def test_a_category_is_narrowed_and_sorted_by_its_own_fields(desk, bob, system):
    height = Characteristic("height", "integer", label="Height")
    wet = categories.create(actor=system, key="wet", name="Wet", fields=[{**height.to_json(), "filterable": True}])
    for title, metres in (("Low", 3), ("High", 40), ("Unknown", None)):
        given = {"height": metres} if metres else {}
        tickets.open(actor=bob, category_key=wet.key, title=title, data=given)
    assert found(bob, category="wet", field__height="40") == ["High"]
    wanted = lists.read({"category": "wet", "sort": "-height"})
    assert wanted.sort == "-field.height"
    assert [each.title for each in lists.Reader(bob).find(wanted).rows] == ["High", "Low", "Unknown"]
    wrong = lists.Reader(bob).find(lists.read({"category": "wet", "field.height": "tall"}))
    assert "field.height" in wrong.errors and not wrong.is_whole


def test_a_view_whose_category_field_and_pool_went_away_says_so_and_still_opens(three, bob):
    view = views.create(
        actor=bob, name="Old", filters={"category": "gone", "field.height": "3", "pool": "gone", "sort": "field.height"}
    )
    opened = lists.Reader(bob).find(saved_views.wanted_of(view))
    assert len(opened.rows) == 3 and not opened.is_whole
    assert len(opened.gone) == 3 and all("any more" in said for said in opened.gone)
    counted = saved_views.counts(bob, [view])
    assert counted == {view.public_id: 3}


def test_a_view_is_his_own_until_he_shares_it(desk, bob, cast, nora, fred, system):
    own = views.create(actor=bob, name="Mine", filters={"owner": "me"}, columns=["state", "due"])
    assert own.filters == {"state": "unresolved", "owner": "me"}
    assert list(saved_views.list_views(actor_of(cast.alice))) == []
    with pytest.raises(ViewNotFound):
        views.change(actor=actor_of(cast.alice), view=own, name="Taken over")

    network = views.create(actor=actor_of(nora), name="Network", filters={}, shared_with=SharedWith.POOL, pool=desk.noc)
    assert network in saved_views.list_views(actor_of(nora)) and network not in saved_views.list_views(actor_of(fred))
    pools.add_member(actor=system, pool=desk.noc, user=fred)
    assert network in saved_views.list_views(actor_of(fred))
    with pytest.raises(PermissionDenied):
        views.delete(actor=actor_of(fred), view=network)
    own.refresh_from_db()
    assert own.name == "Mine" and SavedView.objects.count() == 2


def test_sharing_with_a_pool_is_for_its_members_and_with_all_staff_for_those_with_the_right(desk, fred, alice):
    field = actor_of(fred)
    for shared in ({"shared_with": "staff"}, {"shared_with": "pool", "pool": desk.noc}):
        with pytest.raises(PermissionDenied):
            views.create(actor=field, name="Everybody's", filters={}, **shared)
    assert not SavedView.objects.exists()
    everybodys = views.create(actor=alice, name="Everybody's", filters={}, shared_with="staff")
    with pytest.raises(PermissionDenied):
        views.change(actor=field, view=everybodys, filters={"owner": "nobody"})
    everybodys.refresh_from_db()
    assert everybodys.filters == {"state": "unresolved"} and everybodys in saved_views.list_views(field)


def test_a_shared_view_shows_nobody_more_than_he_sees_anyway(three, bob, alice, dana):
    views.create(actor=alice, name="All", filters={"state": "all"}, shared_with="staff")
    assert list(saved_views.list_views(actor_of(dana))) == []
    assert list(lists.Reader(actor_of(dana)).find(lists.read({"state": "all"})).rows) == []


def test_charlie_sees_no_view_of_alpha(three, alice, charlie, in_beta):
    view = views.create(actor=alice, name="Alphas", filters={}, shared_with="staff")
    with in_beta():
        assert list(saved_views.list_views(charlie)) == []
        with pytest.raises(ViewNotFound):
            saved_views.get_view(charlie, view.public_id)
        with pytest.raises(ViewNotFound):
            views.delete(actor=charlie, view=view)
        with pytest.raises(InvalidInput):
            views.arrange(actor=charlie, views=[view.public_id])
    assert SavedView.objects.filter(pk=view.pk).exists()


def test_everybody_has_his_own_order_and_his_own_beginning(desk, bob, alice):
    first, second, third = (
        views.create(actor=alice, name=name, filters={}, shared_with="staff") for name in ("A", "B", "C")
    )
    views.arrange(actor=bob, views=[third.public_id, first.public_id], default=first.public_id)
    assert saved_views.arranged(bob) == ([third, first, second], first)
    assert saved_views.arranged(alice) == ([first, second, third], None)
    views.delete(actor=alice, view=first)
    assert saved_views.arranged(bob) == ([third, second], None)


def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_kept(desk, bob):
    for field, given in (
        ("name", {"name": " "}),
        ("filters", {"filters": {"colour": "red"}}),
        ("columns", {"columns": ["weight"]}),
        ("pool", {"shared_with": "pool"}),
        ("shared_with", {"shared_with": "the world"}),
    ):
        with pytest.raises(InvalidInput) as refused:
            views.create(actor=bob, **{"name": "View", "filters": {}, **given})
        assert list(refused.value.fields) == [field]
    assert not SavedView.objects.exists()


def test_a_program_keeps_no_views(desk, system):
    with pytest.raises(OnlyPeopleKeepViews):
        views.create(actor=system, name="Robot's", filters={})


def test_every_change_is_in_the_audit(desk, bob):
    view = views.create(actor=bob, name="Mine", filters={})
    views.change(actor=bob, view=view, name="Ours")
    views.arrange(actor=bob, views=[view.public_id])
    views.delete(actor=bob, view=view)
    told = AuditEntry.objects.filter(action__startswith="view.").order_by("pk").values_list("action", flat=True)
    assert list(told) == ["view.created", "view.changed", "view.arranged", "view.deleted"]


def test_any_number_of_views_is_counted_by_one_statement(three, bob, django_assert_num_queries):
    kept = [views.create(actor=bob, name=f"No. {n}", filters={"owner": "nobody"}) for n in range(6)]
    kept.append(views.create(actor=bob, name="Late", filters={"due": "late", "category": "office"}))
    kept.append(views.create(actor=bob, name="Other", filters={"category": "fallout", "pool": "noc"}))
    # The categories, the pools, and one statement that counts all lists.
    with django_assert_num_queries(3):
        counted = saved_views.counts(bob, kept)
    assert list(counted.values()) == [2] * 6 + [1, 1]


def test_counting_stops_at_a_hundred(desk, bob, monkeypatch):
    monkeypatch.setattr(lists, "MOST_COUNTED", 2)
    for n in range(3):
        tickets.open(actor=bob, category_key="office", title=f"No. {n}")
    assert lists.count(bob, {"all": lists.Wanted()}) == {"all": 2}


def test_a_colleagues_view_of_his_own_tickets_is_each_ones_own(three, bob, alice, cast):
    view = views.create(actor=alice, name="Mine", filters={"owner": "me"}, shared_with="staff")
    assert saved_views.counts(bob, [view]) == {view.public_id: 1}
    assert saved_views.counts(alice, [view]) == {view.public_id: 0}
    nina = make_user(cast.alpha, "nina@alpha.example", "Nina Neu", "noc")
    assert saved_views.counts(actor_of(nina), [view]) == {view.public_id: 0}
