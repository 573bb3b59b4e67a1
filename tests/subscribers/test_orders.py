"""An order is taken whole or not at all, once, and closes with its run: everything delivered, or everything undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import OperationalError, connections

from boss.core import clock, scoping
from boss.core.actors import Actor
from boss.core.models import AuditEntry, Fact
from boss.core.permissions import PermissionDenied
from boss.core.problems import InvalidInput
from boss.notify.models import Message
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import User
from boss.tenancy.services import sites, users
from catalog import preload
from catalog import selectors as catalog
from catalog.services import plans
from subscribers import selectors
from subscribers.contact import ContactDetails, PaymentChoice
from subscribers.errors import AccountNotOpen, NothingToDeliver, ToldByMail, UnknownOrder
from subscribers.models import Account, CardHold, Charge, Order, OrderItem, Subscription
from subscribers.services import accounts, charges, orders, subscriptions
from tests.cast import actor_of, make_user
from tests.catalog.conftest import small
from tests.racing import overlapping
from tests.subscribers.conftest import CARD, CASH, KIT, MARIA
from tests.workflow.driving import drive
from ticketing import selectors as desk
from ticketing.models import Ticket
from ticketing.registry import subject_kinds
from ticketing.services import categories, tickets
from workflow.errors import NoSuchDefinition
from workflow.models import Run
from workflow.services import definitions, runs


def automated(key: str, after: list[str], **more: Any) -> dict[str, Any]:
    handler = more.pop("handler", f"subscribers.{key}")
    return {"key": key, "title": key, "kind": "automated", "handler": handler, "after": after, **more}


def document(*last: dict[str, Any]) -> dict[str, Any]:
    """The sign-up part of "New triple play": both payment branches, users, charges, welcome."""
    paid_by = {"var": "inputs.payment"}
    return {
        "key": "new_triple_play",
        "title": "New triple play",
        "inputs": [{"key": "payment", "type": "text"}],
        "tasks": [
            automated("verify_address", []),
            automated("qualify_site", ["verify_address"]),
            automated("check_credit", ["verify_address"], when={"==": [paid_by, "cash"]}),
            automated("preauthorize_card", ["verify_address"], when={"==": [paid_by, "card"]}),
            automated("create_account_users", ["qualify_site", "check_credit", "preauthorize_card"]),
            automated("start_charges", ["create_account_users"]),
            *(last or [automated("send_welcome", ["start_charges"], point_of_no_return=True)]),
        ],
    }


@pytest.fixture
def workflow(alpha: Any, system: Any) -> Callable[..., Any]:
    definitions.publish(actor=system, document=document())
    return lambda *last: definitions.publish(actor=system, document=document(*last))


@pytest.fixture
def place(visitor: Any, site: Any, plan: Any, workflow: Any) -> Callable[..., Order]:
    """``place()``: a visitor orders Internet 100 for Maria, paying by card; keywords change it."""

    def submit(**changes: Any) -> Order:
        given: dict[str, Any] = {
            "actor": visitor,
            "site": site,
            "plan_version": plan,
            "options": [KIT],
            "chosen": {"mail.mailbox": {"address": "maria"}},
            "contact": MARIA,
            "payment": CARD,
        }
        return orders.submit(**{**given, **changes})

    return submit


def fresh(order: Order) -> Order:
    return Order.objects.get(pk=order.pk)


def everything() -> int:
    models = (Account, Subscription, Order, OrderItem, Run, User, AuditEntry, Fact, Charge)
    return sum(model.objects.count() for model in models)


# Taking an order


def test_a_visitor_s_order_is_an_account_a_subscription_an_order_and_a_run(place):
    order = place()
    item = order.items.get()
    assert (order.number, order.state, order.account.state) == ("O-10001", "inProgress", "pending")
    assert (item.subscription.state, str(item.monthly), str(item.once)) == ("pending", "54.95", "14.95")
    run = Run.objects.get(pk=order.run_id)
    assert (run.public_id, run.subject) == (order.run_public_id, ("subscribers.order", order.pk))
    assert Fact.objects.filter(name="subscribers.order_submitted", payload={"order_id": order.pk}).exists()


def test_the_run_knows_what_was_ordered(place):
    order = place()
    inputs = Run.objects.get(pk=order.run_id).inputs
    assert inputs["families"] == ["access", "mail"]
    assert inputs["features"] == ["data.access", "mail.mailbox"]
    assert (inputs["order_id"], inputs["account_id"], inputs["payment"], inputs["port_in"]) == (
        order.pk, order.account_id, "card", False,
    )  # fmt: skip


def test_what_was_chosen_is_kept_with_the_subscription(place):
    mail_feature = place().items.get().subscription.features[1]
    assert (mail_feature["key"], mail_feature["quantity"]) == ("mail.mailbox", 2)
    assert mail_feature["characteristics"]["address"] == "maria"


def test_the_card_s_token_is_sealed(place):
    order = place()
    assert "tok_ok" not in order.card_token_sealed
    assert orders.card_token(fresh(order)) == "tok_ok"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"contact": ContactDetails("", "no", "12")}, {"full_name", "email", "phone"}),
        ({"payment": PaymentChoice("barter")}, {"payment_method"}),
        ({"payment": PaymentChoice("card", "")}, {"payment_token"}),
        ({"site": None}, {"site"}),
        ({"options": []}, {"choice.installation"}),
        ({"chosen": {"mail.mailbox": {"address": "No spaces!"}}}, {"mail.mailbox.address"}),
        (
            {"site": None, "options": [], "contact": ContactDetails("", "a@b.example", "5555550100")},
            {"site", "choice.installation", "full_name"},
        ),
    ],
)
def test_every_wrong_field_is_told_at_once_and_nothing_is_written(place, changes, fields):
    before = everything()
    with pytest.raises(InvalidInput) as refused:
        place(**changes)
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_a_plan_is_not_delivered_where_its_technology_is_not(place, system):
    wireless = sites.create(actor=system, street="1 Hill", city="Far", technology="wireless", access_node="tower-1")
    with pytest.raises(InvalidInput) as refused:
        place(site=wireless)
    assert set(refused.value.fields) == {"site"}


def test_a_plan_no_longer_on_sale_is_not_sold(place, plan, alice):
    plans.retire(actor=alice, version=plan)
    with pytest.raises(InvalidInput) as refused:
        place()
    assert set(refused.value.fields) == {"plan"}


def test_that_somebody_has_a_log_in_is_told_to_staff_and_to_no_stranger(place, system, bob):
    users.create(actor=system, email="Maria@Home.example", full_name="Maria", kind="subscriber")
    with pytest.raises(ToldByMail):
        place()
    with pytest.raises(InvalidInput) as refused:
        place(contact=ContactDetails("Maria", "maria@home.example", "12"))  # a fault of the stranger's own comes first
    assert set(refused.value.fields) == {"phone"}
    with pytest.raises(InvalidInput) as refused:
        place(actor=bob)
    assert set(refused.value.fields) == {"email"}
    assert Order.objects.count() == 0


def test_nothing_is_half_written_when_the_run_cannot_start(place, system, plan, visitor, site):
    stray = plans.publish_version(
        actor=system, key="stray", title="Stray", version=small(workflows={"activate": "no_such_workflow"})
    )
    before = everything()
    with pytest.raises(NoSuchDefinition):
        place(plan_version=stray)
    assert everything() == before


def test_an_order_with_nothing_to_deliver_is_refused(place, system, monkeypatch):
    draft = plans.draft(
        actor=system, plan=plans.create(actor=system, key="empty", title="Empty"), version=small(workflows={})
    )
    monkeypatch.setattr(catalog, "is_on_sale", lambda version: True)
    before = everything()
    with pytest.raises(NothingToDeliver):
        place(plan_version=draft)
    assert everything() == before


def test_a_double_submit_makes_one_order(place):
    first, second = place(key="form-1"), place(key="form-1")
    assert first.pk == second.pk
    assert (Order.objects.count(), Account.objects.count(), Run.objects.count()) == (1, 1, 1)


def test_an_order_under_way_is_not_ordered_a_second_time(place, bob):
    place()
    with pytest.raises(ToldByMail):
        place()
    with pytest.raises(InvalidInput) as refused:
        place(actor=bob)
    assert set(refused.value.fields) == {"email"}
    assert Order.objects.count() == 1


def test_a_visitor_orders_on_nobody_s_account(place, customer):
    account = customer("Ben Other")
    before = everything()
    with pytest.raises(PermissionDenied):
        place(account=account)
    assert everything() == before


def test_another_form_makes_another_order(place):
    other = ContactDetails("Ben Other", "ben@home.example", "5555550111")
    assert place(key="form-1").pk != place(key="form-2", contact=other).pk


def test_an_auditor_places_no_order(place, cast):
    auditor = actor_of(make_user(cast.alpha, "audit@alpha.example", "Audit", "auditor"))
    before = everything()
    with pytest.raises(PermissionDenied):
        place(actor=auditor)
    assert everything() == before


def test_bob_orders_for_a_customer_who_is_there_already(place, bob, customer):
    account = customer("Maria Ortiz")
    order = place(actor=bob, account=account)
    assert (order.account_id, Account.objects.count()) == (account.pk, 1)


def test_nothing_is_ordered_on_a_closed_account(place, bob, customer, alice):
    account = accounts.close(actor=alice, account=customer("Maria Ortiz"))
    with pytest.raises(AccountNotOpen):
        place(actor=bob, account=account)


def test_charlie_sees_no_order_of_alpha(place, charlie, in_beta):
    order = place()
    with in_beta():
        assert list(selectors.list_orders(charlie)) == []
        with pytest.raises(UnknownOrder):
            selectors.get_order(charlie, order.public_id)
        with pytest.raises(UnknownOrder):
            selectors.get_order_by_progress_token(selectors.progress_token(order))


def test_a_visitor_follows_the_order_he_placed_and_no_other(place, visitor):
    order = place()
    assert selectors.get_order_by_progress_token(selectors.progress_token(order)).pk == order.pk
    assert list(selectors.list_orders(visitor)) == []
    for forged in ("", "x", order.public_id, selectors.progress_token(order) + "x"):
        with pytest.raises(UnknownOrder):
            selectors.get_order_by_progress_token(forged)


# Fulfilling it


def test_a_card_order_runs_to_the_end(place, alpha):
    order = place()
    drive(alpha.pk)
    order = fresh(order)
    subscription = order.items.get().subscription
    assert (order.state, order.account.state, subscription.state) == ("completed", "active", "active")
    assert order.closed_at is not None
    assert order.account.user.email == "maria@home.example"
    assert sorted((charge.title, str(charge.total)) for charge in order.charges.all()) == [
        ("Internet 100", "54.95"),
        ("Kit", "14.95"),
    ]
    assert order.card_holds.get().state == "held"
    assert Fact.objects.filter(name="subscribers.order_completed").count() == 1


def test_a_cash_order_asks_for_credit_and_not_for_a_card(place, alpha):
    order = place(payment=CASH)
    drive(alpha.pk)
    assert fresh(order).state == "completed"
    assert not order.card_holds.exists()


def test_the_welcome_mail_invites_maria_to_choose_a_password(place, alpha):
    place()
    drive(alpha.pk)
    message = Message.objects.get(template="welcome")
    assert [delivery.address for delivery in message.deliveries.all()] == ["maria@home.example"]


def test_maria_sees_her_own_account_orders_and_plan(place, alpha):
    order = place()
    drive(alpha.pk)
    maria = actor_of(fresh(order).account.user)
    assert selectors.find_my_account(maria).pk == order.account_id
    assert [mine.number for mine in selectors.list_my_orders(maria)] == [order.number]
    assert [mine.plan_version.title for mine in selectors.list_my_subscriptions(maria)] == ["Internet 100"]


def test_a_declined_card_opens_one_ticket_and_nothing_is_made(place, alpha):
    order = place(payment=PaymentChoice("card", "tok_declined"))
    drive(alpha.pk)
    assert Ticket.objects.count() == 1
    assert fresh(order).state == "inProgress"
    assert fresh(order).account.state == "pending"
    assert CardHold.objects.get().state == "declined"


def test_a_refused_credit_asks_a_person(place, alpha):
    order = place(payment=CASH, contact=ContactDetails("Dan Declined", "dan@home.example", "5555550100"))
    drive(alpha.pk)
    assert Ticket.objects.count() == 1
    assert fresh(order).account.state == "pending"


def test_a_site_of_unknown_network_asks_a_person(place, system, alpha):
    bare = sites.create(actor=system, street="2 Elm", city="Lakeview", technology="hfc")
    order = place(site=bare)
    drive(alpha.pk)
    assert Ticket.objects.count() == 1
    assert fresh(order).state == "inProgress"


# Reversing it


@pytest.fixture
def stuck(place, workflow, alpha) -> Order:
    """Everything is made and charged; the last task waits for a person."""
    workflow({"key": "sign", "title": "Sign", "kind": "wait", "signal": "signed", "after": ["start_charges"],
              "deadline_seconds": 86400, "on_deadline": "fail"})  # fmt: skip
    order = place()
    before = selectors.snapshot(order)
    drive(alpha.pk, hurry=False)
    order = fresh(order)
    assert selectors.snapshot(order) != before
    order.before = before
    return order


def reverse(order: Order, actor: Any) -> Order:
    runs.reverse(actor=actor, run=Run.objects.get(pk=order.run_id), reason="Changed her mind")
    drive(order.realm_id)
    return fresh(order)


def test_before_and_after_pictures_are_equal(stuck, bob):
    order = reverse(stuck, bob)
    assert selectors.snapshot(order) == stuck.before
    assert order.state == "cancelled"
    assert Fact.objects.filter(name="subscribers.order_reversed", payload={"order_id": order.pk}).count() == 1


def test_what_the_run_made_is_gone_and_what_happened_is_remembered(stuck, bob):
    order = reverse(stuck, bob)
    assert not User.objects.filter(email="maria@home.example").exists()
    assert (order.account.user, order.account.state) == (None, "closed")
    assert order.items.get().subscription.state == "terminated"
    assert {charge.state for charge in order.charges.all()} == {"reversed"}
    assert order.card_holds.get().state == "voided"


def test_maria_may_order_again_afterwards(stuck, bob, place):
    reverse(stuck, bob)
    assert place().state == "inProgress"


def test_somebody_with_a_ticket_of_her_own_is_kept_but_cannot_sign_in(stuck, bob, system):
    maria = User.objects.get(email="maria@home.example")
    categories.create(actor=system, key="question", name="Question")
    tickets.open(actor=system, category_key="question", title="When?", requester=maria)
    order = reverse(stuck, bob)
    assert User.objects.get(pk=maria.pk).is_active is False
    assert selectors.snapshot(order) == stuck.before


def test_somebody_who_signed_in_already_is_kept_but_cannot_sign_in(stuck, bob):
    User.objects.filter(email="maria@home.example").update(last_login=clock.now())
    order = reverse(stuck, bob)
    assert User.objects.get(email="maria@home.example").is_active is False
    assert selectors.snapshot(order) == stuck.before


def test_an_account_that_was_there_before_stays_as_it_was(place, workflow, alpha, bob, customer, system):
    workflow({"key": "sign", "title": "Sign", "kind": "wait", "signal": "signed", "after": ["start_charges"],
              "deadline_seconds": 86400, "on_deadline": "fail"})  # fmt: skip
    account = customer("Maria Ortiz", email="maria@home.example")
    accounts.activate(actor=system, account=account)
    order = place(actor=bob, account=account)
    before = selectors.snapshot(order)
    drive(alpha.pk, hurry=False)
    order = reverse(order, bob)
    assert order.account.state == "active"
    assert selectors.snapshot(order) == before


@pytest.fixture
def two_orders(place, workflow, alpha, bob, customer) -> tuple[Order, Order]:
    """Two orders of one pending account; both are made and charged, and wait."""
    workflow({"key": "sign", "title": "Sign", "kind": "wait", "signal": "signed", "after": ["start_charges"],
              "deadline_seconds": 86400, "on_deadline": "fail"})  # fmt: skip
    account = customer("Maria Ortiz", email="maria@home.example")
    first, second = place(actor=bob, account=account), place(actor=bob, account=account)
    drive(alpha.pk, hurry=False)
    assert Account.objects.get(pk=account.pk).opened_by_id == first.pk
    return first, second


def test_an_account_opened_for_one_order_stays_open_for_the_other(two_orders, bob):
    first, second = two_orders
    account = reverse(first, bob).account
    assert (account.state, account.user.email) == ("active", "maria@home.example")
    assert (account.opened_by_id, account.user_made_by_id) == (second.pk, second.pk)
    assert fresh(second).state == "inProgress"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_last_order_that_is_reversed_takes_the_opening_back(two_orders, bob, order):
    for position in order:
        account = reverse(two_orders[position], bob).account
    assert (account.state, account.user, account.opened_by_id) == ("closed", None, None)
    assert not User.objects.filter(email="maria@home.example").exists()


def test_an_order_that_needs_an_account_before_it_made_anything_inherits_it_and_gives_it_back(
    two_orders, place, workflow, alpha, bob
):
    """The heir may be reversed before its own account task ever ran: its end takes the opening back all the same."""
    first, second = two_orders
    late = place(actor=bob, account=first.account)
    reverse(second, bob)
    reverse(first, bob)
    account = Account.objects.get(pk=first.account_id)
    assert (account.state, account.opened_by_id) == ("active", late.pk)
    account = reverse(late, bob).account
    assert (account.state, account.user) == ("closed", None)


def test_a_served_order_keeps_what_another_one_opened(place, workflow, alpha, bob, customer):
    account = customer("Maria Ortiz", email="maria@home.example")
    workflow({"key": "sign", "title": "Sign", "kind": "wait", "signal": "signed", "after": ["start_charges"],
              "deadline_seconds": 86400, "on_deadline": "fail"})  # fmt: skip
    waiting = place(actor=bob, account=account)
    drive(alpha.pk, hurry=False)
    workflow()
    definitions.publish(actor=Actor.system(alpha.pk), document=document())
    served = place(actor=bob, account=account)
    drive(alpha.pk, hurry=False)
    assert fresh(served).state == "completed"
    account = reverse(waiting, bob).account
    assert (account.state, account.opened_by_id) == ("active", served.pk)


def test_a_card_that_may_or_may_not_be_held_is_given_back(place, alpha, bob):
    order = place(payment=PaymentChoice("card", "tok_down"))
    drive(alpha.pk)
    assert CardHold.objects.get().state == "asked"
    order = reverse(order, bob)
    assert (order.state, CardHold.objects.get().state) == ("cancelled", "voided")


def test_after_the_welcome_mail_there_is_no_way_back(place, alpha, bob):
    order = place()
    drive(alpha.pk)
    with pytest.raises(Exception, match="closed"):
        runs.reverse(actor=bob, run=Run.objects.get(pk=order.run_id), reason="Too late")
    assert fresh(order).state == "completed"


def test_the_ticket_of_a_stuck_order_belongs_to_its_account(place, alpha, bob):
    order = place(payment=PaymentChoice("card", "tok_declined"))
    drive(alpha.pk)
    assert [row.pk for row in desk.list_for_account(bob, order.account_id)] == [Ticket.objects.get().pk]


def test_a_ticket_about_an_order_shows_the_order(place, bob, alpha):
    order = place()
    card = subject_kinds.get("subscribers.order").describe(order.pk)
    assert order.number in card.label
    assert card.url.endswith(f"/{order.public_id}/")
    assert subject_kinds.get("subscribers.order").describe(0).url == ""


def shop(realm_id):
    """A realm that really sells: the plan's version and a site it is sold at."""
    with scoping.realm_transaction(realm_id):
        system = Actor.system(realm_id)
        preload.load(system)
        version = plans.publish_version(actor=system, key="internet-100", title="Internet 100", version=small())
        site = sites.create(actor=system, street="4 Elm", city="Lake", technology="hfc", access_node="n")
        definitions.publish(actor=system, document=document())
    return version, site


def test_two_orders_by_one_newcomer_at_the_same_moment_make_one_account(real_db, cast):
    """Two windows, one e-mail: the second hears by mail that an order is under way."""
    realm_id = cast.alpha.pk
    version, site = shop(realm_id)

    def submit(email):
        return lambda: orders.submit(
            actor=tenancy.visitor(realm_id), site=site, plan_version=version, options=[KIT],
            contact=replace(MARIA, email=email), payment=CARD,
        )  # fmt: skip

    refused = overlapping(realm_id, submit("maria@home.example"), submit(" MARIA@home.example"))
    assert isinstance(refused, ToldByMail)
    with scoping.realm_transaction(realm_id):
        assert (Order.objects.count(), Account.objects.count(), Run.objects.count()) == (1, 1, 1)


def test_two_submits_of_one_form_at_the_same_moment_make_one_order(real_db, cast):
    """Two web workers, real transactions: the second waits for the first and is given its order."""
    realm_id = cast.alpha.pk
    version, site = shop(realm_id)
    together = threading.Barrier(4)

    def submit(_number: int) -> str:
        try:
            together.wait()
            with scoping.realm_transaction(realm_id):
                order = orders.submit(
                    actor=tenancy.visitor(realm_id), site=site, plan_version=version, options=[KIT],
                    contact=MARIA, payment=CARD, key="form-1",
                )  # fmt: skip
                return order.number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(submit, range(4)))
    assert set(numbers) == {"O-10001"}
    with scoping.realm_transaction(realm_id):
        assert (Order.objects.count(), Account.objects.count(), Run.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize("when", ["before the run", "after the run"])
def test_a_process_lost_while_an_order_is_taken_leaves_nothing(real_db, cast, monkeypatch, when):
    """The connection is cut between writing the order and the end of the transaction, as a kill does."""
    realm_id = cast.alpha.pk
    with scoping.realm_transaction(realm_id):
        system = Actor.system(realm_id)
        preload.load(system)
        version = plans.publish_version(actor=system, key="internet-100", title="Internet 100", version=small())
        site = sites.create(actor=system, street="4 Elm", city="Lake", technology="hfc", access_node="n")
        definitions.publish(actor=system, document=document())
    start = runs.start

    def die(**how):
        if when == "after the run":
            assert start(**how).pk
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def submit():
        with scoping.realm_transaction(realm_id):
            return orders.submit(
                actor=tenancy.visitor(realm_id), site=site, plan_version=version, options=[KIT],
                contact=MARIA, payment=CARD, key="form-1",
            )  # fmt: skip

    monkeypatch.setattr(orders.runs, "start", die)
    with pytest.raises(OperationalError):
        submit()
    connections.close_all()
    monkeypatch.undo()
    with scoping.realm_transaction(realm_id):
        for model in (Account, Subscription, Order, OrderItem, Run):
            assert not model.objects.exists(), model
    order = submit()
    with scoping.realm_transaction(realm_id):
        assert Run.objects.get().pk == order.run_id


def test_two_who_end_one_subscription_at_the_same_moment_end_it_once(real_db, cast):
    """An order of its end and a collection: the second finds nothing to end, and its undo takes up nothing."""
    realm_id = cast.alpha.pk
    version, site = shop(realm_id)
    system = Actor.system(realm_id)
    with scoping.realm_transaction(realm_id):
        submitted = orders.submit(
            actor=tenancy.visitor(realm_id), site=site, plan_version=version, options=[KIT], contact=MARIA,
            payment=CARD,
        )  # fmt: skip
    drive(realm_id)
    with scoping.realm_transaction(realm_id):
        served = Subscription.objects.select_related("account").get(account=submitted.account_id)
        assert served.state == "active"

    def end(key):
        return (
            subscriptions.end(actor=system, subscription=served, key=key),
            charges.end(actor=system, subscription=served, key=key),
        )

    ended = []
    second = overlapping(realm_id, lambda: ended.append(end("order")), lambda: end("collection"))
    assert ended[0][0] and ended[0][1] > 0 and second == (False, 0)

    with scoping.realm_transaction(realm_id):
        assert subscriptions.take_up_again(actor=system, key="collection") == 0
        assert charges.run_again(actor=system, key="collection") == 0
        assert Subscription.objects.get().state == "terminated"
        assert subscriptions.take_up_again(actor=system, key="order") == 1
        assert charges.run_again(actor=system, key="order") == ended[0][1]
        assert Subscription.objects.get().state == "active"
