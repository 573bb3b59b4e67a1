"""The dispatcher's database role finds what is due in all realms, and that is all it can find out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections, models

from boss.celery import BEAT, app
from boss.core import scoping, walls
from boss.core.models import FactDelivery
from boss.platform.testing import databases
from tests.tenancy.planting import ALPHA, BETA, Planter, one_row_of_every_table_in_both_realms

KEYS = {
    "ticketing_mailbox.address": "the provider's own address, the only thing that says whose mail an arriving one is",
    "workflow_taskrun.key": "the task's key in its definition, from which the lane follows",
    "ipservices_service.public_id": "our id in a native object, to tell whose it is on a shared server",
    "privacy_retention.record_class": "the registered name of a class of records",
}
"""Texts without a list of choices that it reads: names the software or a workflow's author gave, no person's."""

ACTS_EVERYWHERE = {
    "tenancy.tidy_up": "deletes expired sessions and old attempts to sign in",
    "core.sweep_exports": "empties files whose time is over",
    "core.drop_files": "deletes contents of files that no row names any more",
    "privacy.sweep": "empties copies whose time is over",
    "ticketing.sweep_texts": "deletes texts that were not sent for fourteen days",
}
"""Tasks by the clock that work in all realms with one statement and so keep the operator's role."""


@pytest.fixture(scope="module")
def planted(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[type[models.Model]]]:
    """Every scoped model, each with one row in alpha and one in beta."""
    with django_db_blocker.unblock(), databases.fresh_database():
        yield one_row_of_every_table_in_both_realms(Planter())


@pytest.fixture
def dispatcher(planted: list[type[models.Model]]) -> Iterator[psycopg.Connection[Any]]:
    """A plain connection as that role: no backend of ours in between."""
    place = connections["dispatch"].settings_dict
    named = {"dbname": place["NAME"], "host": place["HOST"], "port": place["PORT"]}
    with psycopg.connect(user="boss_dispatch", password=place["PASSWORD"], autocommit=True, **named) as connection:
        yield connection


def refused(connection: psycopg.Connection[Any], statement: str) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)  # type: ignore[arg-type]
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error:
        return False  # it failed for another reason, so the right was there
    return False


def test_it_reads_the_columns_the_models_name_and_no_other_of_any_table(dispatcher, record_property):
    columns = dispatcher.execute(
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r','p','v','m','f')"
        " AND a.attnum > 0 AND NOT a.attisdropped"
    ).fetchall()
    read = {
        f"{table}.{column} SELECT"
        for table, column in columns
        if not refused(dispatcher, f'SELECT "{column}" FROM "{table}"')
    }
    assert read == {each for each in walls.dispatched() if each.endswith(" SELECT")}
    assert len(columns) > 500
    record_property("tally", {"columns of all tables the dispatcher tried to read": len(columns)})


def test_it_writes_the_columns_the_models_name_and_nothing_else(dispatcher, planted):
    done = set()
    for (table,) in dispatcher.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p')"
    ).fetchall():
        for verb, statement in (("DELETE", 'DELETE FROM "{}"'), ("TRUNCATE", 'TRUNCATE "{}"')):
            if not refused(dispatcher, statement.format(table)):
                done.add(f"{table} {verb}")
    for model in planted:
        table = model._meta.db_table
        if not refused(dispatcher, f'INSERT INTO "{table}" (realm_id) VALUES ({ALPHA})'):
            done.add(f"{table} INSERT")
        for field in model._meta.local_concrete_fields:
            if not refused(dispatcher, f'UPDATE "{table}" SET "{field.column}" = NULL'):
                done.add(f"{table}.{field.column} UPDATE")
    assert done == {each for each in walls.dispatched() if not each.endswith(" SELECT")}


def test_it_becomes_nobody_else_and_makes_and_calls_nothing(dispatcher):
    for statement in (
        *(f"SET ROLE {role}" for role in ("boss_owner", "boss_app", "boss_system", "boss_seal", "boss_portal")),
        "CREATE TABLE mine (x int)",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT nextval('tenancy_site_id_seq')",
        "SELECT pg_read_file('/etc/passwd')",
    ):
        assert refused(dispatcher, statement), statement
    definers = "SELECT count(*) FROM pg_proc WHERE prosecdef AND has_function_privilege(oid, 'EXECUTE')"
    assert dispatcher.execute(definers).fetchone() == (0,)


def test_it_sees_what_is_due_in_every_realm(dispatcher, planted):
    for model in planted:
        if "realm_id" in model.dispatch_reads:  # type: ignore[attr-defined]
            found = dispatcher.execute(f'SELECT realm_id FROM "{model._meta.db_table}" ORDER BY realm_id').fetchall()  # type: ignore[arg-type]
            assert found == [(ALPHA,), (BETA,)], model


def test_what_it_reads_is_numbers_times_and_states_and_never_what_a_person_wrote():
    said = set()
    for model in walls.scoped_models():
        named = {field.column: field for field in model._meta.local_concrete_fields}
        for column in model.dispatch_reads:  # type: ignore[attr-defined]
            field = named[column]
            plain = (models.IntegerField, models.DateField, models.BooleanField, models.ForeignKey)
            if not isinstance(field, plain) and not field.choices:
                said.add(f"{model._meta.db_table}.{column}")
        assert set(model.dispatch_writes) <= {"due_at"}, model  # type: ignore[attr-defined]
    assert said == set(KEYS)


def test_whatever_runs_by_the_clock_looks_through_all_realms_as_that_role(real_db, cast):
    """A new entry of the clock that takes the operator's role instead needs a reason above."""
    app.loader.import_default_modules()
    taken: dict[str, set[str]] = {}

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        taken[name].add(context["connection"].settings_dict["USER"])
        return execute(sql, params, many, context)

    with connections["system"].execute_wrapper(note), connections["dispatch"].execute_wrapper(note):
        for name, entry in BEAT.items():
            taken[name] = set()
            app.tasks[str(entry["task"])]()
    assert {name for name, roles in taken.items() if "boss_system" in roles} == set(ACTS_EVERYWHERE)
    assert {name for name, roles in taken.items() if not roles} == {"core.seal_audit", "core.check_audit"}


def test_a_look_without_the_right_to_a_column_fails_instead_of_showing_it(real_db, cast):
    with scoping.dispatch_transaction("test"):
        list(FactDelivery.objects.values_list("realm_id", flat=True))
        with pytest.raises(DatabaseError, match="permission denied"):
            list(FactDelivery.objects.values_list("error", flat=True))
