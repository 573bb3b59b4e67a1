"""With the first wall gone the second one stands, for every table there is; and each hole in it is found.

The models come from the registry: a table that is new is asked from the day it is there, with no line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, models, transaction

from boss.core import scoping, walls
from boss.core.scoping import RealmScoped
from boss.platform import addresses
from boss.platform.testing import databases
from boss.tenancy.models import Realm
from tests.tenancy.planting import ALPHA, BETA, Planter, one_row_of_every_table_in_both_realms

Models = list[type[models.Model]]


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: Any) -> Iterator[Models]:
    """Every scoped model, each with one row in alpha and one in beta."""
    with django_db_blocker.unblock(), databases.fresh_database():
        yield one_row_of_every_table_in_both_realms(Planter())


def realms_seen(model: type[models.Model]) -> list[int]:
    """Through the manager that forgets the realm, as a careless query would."""
    rows = getattr(model, "unscoped", model._default_manager)
    return sorted(rows.order_by().values_list("realm_id" if issubclass(model, RealmScoped) else "pk", flat=True))


def test_the_system_sees_the_rows_of_both_or_the_others_would_prove_nothing(planted):
    assert len(planted) > 70
    with scoping.system_transaction("test"):
        assert {model._meta.label: realms_seen(model) for model in planted if realms_seen(model) != [ALPHA, BETA]} == {}


@pytest.mark.parametrize("realm_id", [ALPHA, BETA])
def test_an_unscoped_query_of_any_model_sees_the_realm_entered_and_no_other(planted, realm_id):
    with scoping.realm_transaction(realm_id):
        seen = {model._meta.label: realms_seen(model) for model in [*planted, Realm]}
    assert {label: found for label, found in seen.items() if found != [realm_id]} == {}


def test_with_no_realm_said_no_table_has_a_row(planted):
    with scoping.enter(None), transaction.atomic():
        seen = {model._meta.label: realms_seen(model) for model in [*planted, Realm]}
    assert {label: found for label, found in seen.items() if found} == {}


def test_with_no_realm_said_nothing_is_written(planted):
    with scoping.enter(None), transaction.atomic():
        assert {where: rows for where, rows in writes(planted).items() if rows} == {}


def test_an_unscoped_change_or_deletion_of_everything_reaches_the_realm_entered_and_no_other(planted):
    with scoping.realm_transaction(ALPHA):
        assert {where: rows for where, rows in writes(planted).items() if rows not in (0, 1)} == {}
    with scoping.system_transaction("test"):
        assert {model._meta.label for model in planted if realms_seen(model) != [ALPHA, BETA]} == set()


def writes(planted: Models) -> dict[str, int]:
    """How many rows an UPDATE and a DELETE without any condition reach; a right that is not given reaches none."""
    return {
        f"{verb} {model._meta.db_table}": reached(statement.format(model._meta.db_table))
        for model in planted
        for verb, statement in (("update", 'UPDATE "{}" SET realm_id = realm_id'), ("delete", 'DELETE FROM "{}"'))
    }


def reached(statement: str) -> int:
    try:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute(statement)
            rows: int = cursor.rowcount
            transaction.set_rollback(True)
            return rows
    except DatabaseError as refused:
        assert "permission denied" in str(refused), f"{statement}: {refused}"
        return 0


def test_no_row_is_moved_or_written_into_another_realm(planted):
    moved = []
    for model in planted:
        table = model._meta.db_table
        for statement in (
            f'UPDATE "{table}" SET realm_id = {BETA}',
            f'INSERT INTO "{table}" (realm_id) VALUES ({BETA})',
        ):
            with scoping.realm_transaction(ALPHA):
                try:
                    with transaction.atomic(), connections["default"].cursor() as cursor:
                        cursor.execute(statement)
                        moved.append(statement)
                except DatabaseError as refused:
                    # The policy is asked before the columns are: a row that lacks a value says nothing about it.
                    if "row-level security" not in str(refused) and "permission denied" not in str(refused):
                        moved.append(f"{statement}: {refused}")
    assert moved == []


def test_every_reference_between_scoped_tables_carries_the_realm(db):
    """Told by the models and not by the catalog alone: a key that is missing altogether is missed, too."""
    tables = {model._meta.db_table for model in walls.scoped_models()}
    with connections["default"].cursor() as cursor:
        cursor.execute(
            """
            SELECT k.conrelid::regclass::text, a.attname, k.confrelid::regclass::text FROM pg_constraint k
              JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND a.attname <> 'realm_id'
              JOIN pg_attribute r ON r.attrelid = k.conrelid AND r.attnum = ANY (k.conkey) AND r.attname = 'realm_id'
             WHERE k.contype = 'f' AND k.convalidated
            """
        )
        walled = set(cursor.fetchall())
    wanted = {
        (model._meta.db_table, field.column, field.related_model._meta.db_table)
        for model in walls.scoped_models()
        for field in model._meta.local_fields
        if isinstance(field, models.ForeignKey) and field.related_model._meta.db_table in tables
    }
    assert wanted - walled == set()


FAULTS = {
    "role can bypass": "ALTER ROLE boss_app BYPASSRLS",
    "member of": "GRANT boss_system TO boss_app",
    "owns": "ALTER TABLE tenancy_site OWNER TO boss_app",
    "may create tables": "GRANT CREATE ON SCHEMA public TO boss_app",
    "realm_id without RLS or nullable": "ALTER TABLE tenancy_site DISABLE ROW LEVEL SECURITY",
    "realm_id without RLS or nullable: the realms": "ALTER TABLE tenancy_realm DISABLE ROW LEVEL SECURITY",
    "realm_id without RLS or nullable: null": "ALTER TABLE tenancy_site ALTER realm_id DROP NOT NULL",
    "realm_id without RLS or nullable: new": "CREATE TABLE n (realm_id bigint NOT NULL); GRANT SELECT ON n TO boss_app",
    "open without a realm": "CREATE TABLE n (x int); GRANT SELECT (x) ON n TO boss_app",
    "policy is not the wall": "CREATE POLICY p ON tenancy_site FOR SELECT TO boss_app USING (true)",
    "policy is not the wall: everybody's": "CREATE POLICY p ON tenancy_site USING (realm_id > 0)",
    "policy is not the wall: writing": "CREATE POLICY p ON tenancy_site FOR INSERT TO boss_app WITH CHECK (true)",
    "policy is not the wall: altered": "ALTER POLICY realm_wall ON tenancy_site WITH CHECK (true)",
    "view runs as owner": "CREATE VIEW n AS SELECT * FROM tenancy_site; GRANT SELECT ON n TO boss_app",
    "matview": "CREATE MATERIALIZED VIEW n AS SELECT * FROM tenancy_site; GRANT SELECT ON n TO boss_app",
    "definer fn": "CREATE FUNCTION n() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'",
    "definer fn: no path": "CREATE FUNCTION search_n() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
    "truncate/trigger/references granted": "GRANT TRUNCATE ON tenancy_site TO boss_app",
    "no portal role": "REVOKE boss_portal FROM boss_app",
    "portal role can log in or bypass": "ALTER ROLE boss_portal LOGIN",
    "portal role can write": "GRANT UPDATE (street) ON tenancy_site TO boss_portal",
    "portal policy without the realm": "CREATE POLICY p ON tenancy_site FOR SELECT TO boss_portal USING (true)",
    "dispatch role can bypass or become another": "ALTER ROLE boss_dispatch BYPASSRLS",
    "dispatch role can bypass or become another: a member": "GRANT boss_app TO boss_dispatch",
    "dispatch role is given more than the models say": "GRANT SELECT (payload) ON core_fact TO boss_dispatch",
    "dispatch role is given more than the models say: all": "GRANT SELECT ON tenancy_site TO PUBLIC",
    "dispatch role is given more than the models say: writing": "GRANT UPDATE (state) ON workflow_run TO boss_dispatch",
    "dispatch role is given more than the models say: rows": "GRANT DELETE ON core_fact TO boss_dispatch",
    "member of: the dispatcher": "GRANT boss_dispatch TO boss_app",
    "FK without realm_id": "ALTER TABLE tenancy_user ADD CONSTRAINT n FOREIGN KEY (site_id) REFERENCES tenancy_site;"
    "ALTER TABLE tenancy_user DROP CONSTRAINT wall_fk_tenancy_user_site_id",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_hole_made_on_purpose_is_found(db, fault):
    """Made and looked at in one transaction of the superuser's that is never kept; looked at as the application."""
    with psycopg.connect(addresses.admin_dsn(connections["default"].settings_dict["NAME"])) as installer:
        installer.execute(FAULTS[fault])
        installer.execute("SET LOCAL ROLE boss_app")
        found = installer.execute(walls.FAULTS, walls.known_tables()).fetchall()
        installer.rollback()
    assert fault.partition(":")[0] in {what for what, _where in found}


def test_a_table_that_comes_with_no_word_about_it_is_closed_to_the_application(db):
    with psycopg.connect(addresses.admin_dsn(connections["default"].settings_dict["NAME"])) as installer:
        installer.execute("SET LOCAL ROLE boss_owner")
        installer.execute("CREATE TABLE newcomer (realm_id bigint, secret text)")
        installer.execute("SET LOCAL ROLE boss_app")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            installer.execute("SELECT * FROM newcomer")
