"""Folding makes migrations quicker, never different."""

from __future__ import annotations

from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddConstraint, AddField, AddIndex, CreateModel, RunSQL

from boss.platform.quick_migrations import FoldingLoader, fold


def thing() -> CreateModel:
    return CreateModel("Thing", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())])


def by_name() -> AddIndex:
    return AddIndex("thing", models.Index(fields=["name"], name="thing_by_name"))


def named() -> AddConstraint:
    return AddConstraint("thing", models.CheckConstraint(condition=~models.Q(name=""), name="thing_named"))


def test_indexes_and_constraints_of_a_new_model_go_into_it() -> None:
    folded = fold([thing(), by_name(), named()])

    assert len(folded) == 1
    assert isinstance(folded[0], CreateModel)
    assert [index.name for index in folded[0].options["indexes"]] == ["thing_by_name"]
    assert [constraint.name for constraint in folded[0].options["constraints"]] == ["thing_named"]


def test_nothing_moves_across_sql_or_a_field_added_later() -> None:
    across_sql = [thing(), RunSQL("SELECT 1"), by_name()]
    after_field = [thing(), AddField("thing", "size", models.IntegerField(default=0)), by_name()]

    assert [type(operation) for operation in fold(across_sql)] == [CreateModel, RunSQL, AddIndex]
    assert [type(operation) for operation in fold(after_field)] == [CreateModel, AddField, AddIndex]


def test_an_existing_model_keeps_its_operations() -> None:
    assert [type(operation) for operation in fold([by_name(), named()])] == [AddIndex, AddConstraint]


def test_the_end_is_the_same_for_every_migration_of_the_house() -> None:
    plain, folded = MigrationLoader(None), FoldingLoader(None)

    there = MigrationAutodetector(plain.project_state(), folded.project_state())
    back = MigrationAutodetector(folded.project_state(), plain.project_state())

    assert there.changes(graph=plain.graph) == {}
    assert back.changes(graph=plain.graph) == {}
