"""Indexes of the board of runs. Built beside running work: the tables may be big."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

RESTING = ["waiting", "attention", "undo_waiting", "undo_attention"]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("ticketing", "0001_initial"),
        ("workflow", "0006_drafts_and_notes"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(fields=["realm_id", "version", "-id"], name="workflow_run_version"),
        ),
        AddIndexConcurrently(
            model_name="taskrun",
            index=models.Index(
                condition=models.Q(("state__in", RESTING)),
                fields=["realm_id", "state", "run"],
                name="workflow_task_resting",
            ),
        ),
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("state__in", ["running", "reversing"])),
                fields=["realm_id", "-id"],
                include=("version", "state"),
                name="workflow_run_under_way",
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="version",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="workflow.definitionversion",
            ),
        ),
        RemoveIndexConcurrently(model_name="run", name="workflow_run_open"),
        RemoveIndexConcurrently(model_name="taskrun", name="workflow_task_attention"),
    ]
