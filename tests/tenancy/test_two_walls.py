"""What one realm's rows are to another: nothing, whichever wall is asked."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, connection, connections, transaction

from boss.core import scoping, walls
from boss.core.actors import Actor, Grant
from boss.core.permissions import rows
from boss.core.postgres.base import OutsideTransaction
from boss.core.scoping import NoScope
from boss.tenancy.models import Site, User
from boss.tenancy.services import sites, users


def test_a_query_outside_any_realm_is_refused(cast):
    with pytest.raises(NoScope):
        User.objects.count()


def test_sql_outside_a_transaction_is_refused(real_db, cast):
    with pytest.raises(OutsideTransaction), connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1")


def test_the_wall_has_no_holes_as_the_application_sees_it(cast):
    assert walls.faults(connections["default"]) == []


def test_every_scoped_table_has_its_policy(cast):
    with connection.cursor() as cursor:
        cursor.execute("SELECT polrelid::regclass::text FROM pg_policy WHERE polname = 'realm_wall'")
        walled = {row[0] for row in cursor.fetchall()}
    assert {model._meta.db_table for model in walls.scoped_models()} <= walled


@pytest.mark.asvs("8.4.1")
def test_raw_sql_that_forgets_the_realm_sees_only_the_realm_entered(cast, in_beta):
    with in_beta(), connection.cursor() as cursor:
        cursor.execute("SELECT email FROM tenancy_user")
        assert {row[0] for row in cursor.fetchall()} == {"charlie@beta.example"}


def test_a_manager_that_forgets_the_realm_sees_only_the_realm_entered(cast, in_beta):
    with in_beta():
        assert set(User.unscoped.values_list("email", flat=True)) == {"charlie@beta.example"}


@pytest.mark.asvs("8.4.1")
def test_a_row_cannot_be_written_into_another_realm(cast, alpha, in_beta):
    with in_beta(), pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        Site(street="1 Elm", city="X", address_norm="1 elm x", realm_id=alpha.pk).save()


def test_a_foreign_key_cannot_point_into_another_realm(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        site = sites.create(actor=Actor.system(cast.alpha.pk), street="14 Elm", city="Lake")
    with pytest.raises(IntegrityError), scoping.realm_transaction(cast.beta.pk):
        User.objects.filter(pk=cast.charlie.pk).update(site_id=site.pk)
    with scoping.realm_transaction(cast.beta.pk):
        assert User.objects.get(pk=cast.charlie.pk).site_id is None


def test_a_realm_that_is_none_cannot_be_written_whatever_the_row_hangs_on(real_db):
    with pytest.raises(IntegrityError), scoping.realm_transaction(987_654):
        Site.objects.create(street="1 Elm", city="X", address_norm="1 elm x")


def test_one_key_with_the_realm_guards_each_reference_and_no_second_one_costs_time(real_db):
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            """
            SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
             WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND k.conrelid::regclass::text = ANY (%s)
               AND k.confrelid::regclass::text = ANY (%s)
            """,
            [[model._meta.db_table for model in walls.scoped_models()]] * 2,
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize(
    "attack",
    [
        "TRUNCATE tenancy_user CASCADE",
        "SET ROLE boss_owner",
        "DROP POLICY realm_wall ON tenancy_user",
        "ALTER TABLE tenancy_user DISABLE ROW LEVEL SECURITY",
        "UPDATE core_auditentry SET action = 'x'",
        "DELETE FROM core_auditentry",
        "SELECT * FROM auth_group",
    ],
)
def test_the_application_role_cannot(cast, alpha, attack):
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(attack)


def test_the_realm_ends_with_the_transaction(real_db, cast):
    with scoping.realm_transaction(cast.alpha.pk):
        assert User.objects.count() == 2
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tenancy_user")
        assert cursor.fetchone()[0] == 0


def test_visible_to_gives_nothing_without_a_grant(alpha):
    nobody = Actor(realm_id=alpha.pk, kind="user", label="Nobody", user_id=1)
    assert not User.objects.visible_to(nobody).exists()


def test_visible_to_gives_nothing_to_an_actor_of_another_realm(alpha, charlie):
    assert not User.objects.visible_to(charlie).exists()


def test_a_model_without_scope_paths_answers_nothing(alice):
    from boss.tenancy.models import RealmHost

    assert rows(RealmHost, alice).children == [("pk__in", [])]


def test_a_grant_on_one_site_reaches_that_site_only(alpha, system):
    mine = sites.create(actor=system, street="1 Elm", city="Lake")
    sites.create(actor=system, street="2 Elm", city="Lake")
    tenant = Actor(alpha.pk, "user", "T", 1, (Grant(frozenset({"tenancy.view_site"}), "site", mine.pk),))
    assert list(Site.objects.visible_to(tenant)) == [mine]


def test_a_grant_on_an_organization_reaches_its_sites_only(alpha, system):
    owner = sites.create_organization(actor=system, name="Pinecrest")
    mine = sites.create(actor=system, street="1 Elm", city="Lake", organization=owner)
    sites.create(actor=system, street="2 Elm", city="Lake")
    contact = Actor(alpha.pk, "user", "C", 1, (Grant(frozenset({"tenancy.view_site"}), "organization", owner.pk),))
    assert list(Site.objects.visible_to(contact)) == [mine]


def test_an_api_keys_scopes_only_narrow(alpha, alice):
    narrowed = Actor(alpha.pk, "api_key", "K", None, alice.grants, frozenset({"tenancy.view_site"}))
    assert narrowed.holds("tenancy.view_site") and not narrowed.holds("tenancy.view_user")
    assert not User.objects.visible_to(narrowed).exists()


def test_a_service_refuses_an_actor_of_another_realm(alpha, charlie):
    from boss.core.services import ForeignActor

    with pytest.raises(ForeignActor):
        users.create(actor=charlie, email="x@x.example", full_name="X", kind="staff")
    assert not User.objects.filter(email_norm="x@x.example").exists()
