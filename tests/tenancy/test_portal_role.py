"""A customer's pages and reads run as a database role that sees nothing but what is his."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from boss.core import scoping, walls
from boss.core.actors import Actor, Grant
from boss.core.services import service
from boss.privacy.models import PersonalExport
from boss.tenancy import selectors as tenancy
from boss.tenancy.models import Site, User
from boss.tenancy.services import roles, users
from subscribers.models import Account, Charge, Order, Subscription
from tests.architecture import world as worlds
from tests.architecture.test_url_matrix import addresses, fill
from tests.cast import PASSWORD, actor_of
from ticketing.models import Message, Ticket
from ticketing.services import tickets

CUSTOMERS_TABLES = {
    model._meta.db_table
    for model in walls.scoped_models()
    if model.portal_reads and model.scope_paths and model._meta.app_label != "tenancy"  # type: ignore[attr-defined]
}


@pytest.fixture
def world(cast: Any, alpha: Any, system: Actor) -> worlds.World:
    return worlds.build(system)


def role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


def test_a_query_that_forgets_whose_rows_it_reads_shows_sam_his_own(world, system):
    ticket = Ticket.objects.get(requester=world.sam)
    tickets.add_message(actor=system, ticket=ticket, body="He shouted", kind="internal")
    tickets.open(actor=system, category_key="billing", title="Somebody else's")
    sam = tenancy.actor_for_user(world.sam)
    with scoping.as_customer(sam):
        assert set(Account.unscoped.values_list("user_id", flat=True)) == {world.sam.pk}
        assert list(User.unscoped.all()) == [world.sam]
        assert list(Ticket.unscoped.all()) == [ticket]
        assert not Message.unscoped.exclude(kind="public").exists()
        assert Order.unscoped.count() == 1 and Charge.unscoped.count() <= 2
    assert Ticket.unscoped.count() > 1 and Message.unscoped.filter(kind="internal").exists()


def test_it_may_read_what_customers_are_shown_and_nothing_else_and_write_nothing(cast, alpha):
    nobody = Actor(alpha.pk, "user", "Nobody", 1)
    wrong = []
    for model in walls.scoped_models():
        table = model._meta.db_table
        tried = [f'UPDATE "{table}" SET realm_id = realm_id', f'DELETE FROM "{table}"']
        if not model.portal_reads:  # type: ignore[attr-defined]
            tried.append(f'SELECT realm_id FROM "{table}"')
        for statement in tried:
            try:
                with scoping.as_customer(nobody), transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(statement)
                wrong.append(statement)
            except ProgrammingError as refused:
                assert "permission denied" in str(refused)
    assert wrong == []


def test_sealed_secrets_are_not_its_to_read(cast, alpha):
    for table in ("ipservices_binding", "ipservices_service"):
        customer = scoping.as_customer(Actor(alpha.pk, "user", "Nobody", 1))
        refused = pytest.raises(ProgrammingError, match="permission denied")
        with refused, transaction.atomic(), customer, connection.cursor() as cursor:
            cursor.execute(f"SELECT sealed_secrets FROM {table}")


@pytest.mark.parametrize("path", ["/my/", "/my/services/", "/my/tickets/", "/api/v1/subscribers/accounts/"])
def test_a_page_of_sams_reads_what_is_his_as_that_role(world, browser_of, path):
    browser, roles = browser_of(world.sam), set()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(f'FROM "{table}"' in sql for table in CUSTOMERS_TABLES):  # the tracker reads the engine's rows apart
            roles.add(context["connection"].connection.execute("SELECT current_user").fetchone()[0])
        return execute(sql, params, many, context)

    with scoping.enter(None), connection.execute_wrapper(watch):
        assert browser.get(path).status_code == 200
    assert roles == {"boss_portal"}
    assert role() == "boss_app"


READ_OTHERWISE = {
    "my/history/": "the audit trail, which that role may not read",
    "my/visits/": "visits of staff, of which it may not read who they are",
    "my/data/": "the whole of what is held of him, made by a task",
    "my/sign-in/": "his sessions and factors, which nobody but his own sign-in reads",
}


def contact_of(system: Actor, organization: Any, site: Any = None) -> User:
    user = users.create(
        actor=system, email="olga@bayfront.example", full_name="Olga", kind="contact", organization=organization,
        password=PASSWORD,
    )  # fmt: skip
    roles.grant(
        actor=system, user=user, role_key="property_owner", organization=None if site else organization, site=site
    )
    return user


@pytest.mark.parametrize("where", ["the organization", "one building of it"])
def test_a_query_that_forgets_whose_rows_it_reads_shows_an_owner_no_resident(world, system, where):
    """Accounts, orders and services at a building carry its owner's organization; that is not a right to them."""
    account = Account.objects.select_related("organization", "site").get(user=world.sam)
    assert account.organization is not None
    olga = contact_of(system, account.organization, account.site if where == "one building of it" else None)
    shared = tickets.open(
        actor=system, category_key="billing", title="New riser", site=account.site, organization=account.organization
    )
    tickets.add_message(actor=system, ticket=shared, body="We come on Monday")
    with scoping.as_customer(tenancy.actor_for_user(olga)):
        assert role() == "boss_portal"
        seen = {
            model._meta.label: model.unscoped.count()  # type: ignore[attr-defined]
            for model in walls.scoped_models()
            if model.portal_reads and {"organization", "site"} & set(model.scope_paths)  # type: ignore[attr-defined]
        }
        whole = {"tenancy.Organization", "subscribers.Lease"} if where == "the organization" else set()
        hers = {"tenancy.Site", "tenancy.User", "ticketing.Ticket", "ticketing.Message"} | whole
        assert {label for label, count in seen.items() if count} == hers
        assert list(User.unscoped.all()) == [olga] and list(Ticket.unscoped.all()) == [shared]
    assert Account.unscoped.exists() and Order.unscoped.exists() and Subscription.unscoped.exists()


@pytest.mark.parametrize("where", ["the organization", "one building of it"])
def test_every_page_of_owners_opens_as_that_role(world, system, browser_of, where):
    account = Account.objects.select_related("organization", "site").get(user=world.sam)
    olga = contact_of(system, account.organization, account.site if where == "one building of it" else None)
    shared = tickets.open(
        actor=system, category_key="billing", title="New riser", site=account.site, organization=account.organization
    )
    known, browser, roles_seen = {**world.ids, "ticketing/tickets": shared.public_id}, browser_of(olga), set()

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith('SELECT "ticketing_ticket"'):
            roles_seen.add(context["connection"].connection.execute("SELECT current_user").fetchone()[0])
        return execute(sql, params, many, context)

    opened = 0
    with scoping.enter(None), connection.execute_wrapper(watch):
        for route, pattern in addresses():
            if not route.startswith("owner/") or getattr(pattern.callback, "permission", "") == "tenancy.change_user":
                continue
            assert getattr(pattern.callback, "customers", False), f"say @requires(…, customers=True) for {route}"
            whole = where == "the organization" or "invite" not in route
            is_sams = "/files/" in route  # of a ticket that is not hers
            assert browser.get(fill(route, known)).status_code == (200 if whole and not is_sams else 404), route
            opened += 1
    assert opened >= 6
    assert roles_seen == {"boss_portal"}


def test_every_page_of_self_help_opens_as_that_role(world, browser_of):
    """A page of customers is marked so; one that reads what the role may not is an error here and not in use."""
    pages = [(route, pattern) for route, pattern in addresses() if route.startswith("my/")]
    pages = [(route, pattern) for route, pattern in pages if not route.startswith(tuple(READ_OTHERWISE))]
    unmarked = [route for route, pattern in pages if not getattr(pattern.callback, "customers", False)]
    assert unmarked == [], "say @requires(…, customers=True), and portal_reads = True in a model it shows"
    PersonalExport.objects.update(state="ready", content=gzip.compress(b"zip"))  # else its link leads back
    browser = browser_of(world.sam)
    with scoping.enter(None):
        for route, _pattern in pages:
            status = browser.get(fill(route, world.ids)).status_code
            takes_only = route.endswith(("/share/", "/tell-me/"))  # what is sent
            has_none = route.endswith("/webmail/")  # his services are none with a webmail
            assert status == (405 if takes_only else 404 if has_none else 200), route


def test_staff_programs_and_the_system_stay_the_application(cast, alice, alpha, system):
    key = Actor(alpha.pk, "api_key", "K", None, ())
    for actor in (alice, key, system, tenancy.visitor(alpha.pk)):
        with scoping.as_customer(actor):
            assert role() == "boss_app"


@service
def asks_who_it_is(*, actor: Actor, fail: bool = False) -> str:
    """What a service runs as."""
    found = role()
    if fail:
        Site.objects.create(street="x", city="y", address_norm="z", realm_id=0)
    return found


def test_a_service_steps_out_of_it_and_back_also_when_it_fails(cast, alpha):
    customer = Actor(alpha.pk, "user", "C", 1, (Grant(frozenset({"tenancy.view_site"}), "site", 5),))
    with scoping.as_customer(customer):
        assert role() == "boss_portal"
        assert asks_who_it_is(actor=customer) == "boss_app"
        assert role() == "boss_portal"
        with pytest.raises((IntegrityError, ProgrammingError)):
            asks_who_it_is(actor=customer, fail=True)
        assert role() == "boss_portal"
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM tenancy_site")
        assert role() == "boss_portal"
    assert role() == "boss_app"


def test_the_role_ends_with_the_transaction(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk), scoping.as_customer(Actor(cast.alpha.pk, "user", "C", 987_654)):
        assert role() == "boss_portal" and User.unscoped.count() == 0
    with scoping.realm_transaction(cast.alpha.pk):
        assert role() == "boss_app" and User.unscoped.count() == 2


def test_bob_on_his_realm_is_no_customer(cast, alpha):
    with scoping.as_customer(actor_of(cast.bob)):
        assert User.unscoped.count() == 2
