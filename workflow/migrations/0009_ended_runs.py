"""The newest ended runs of each version, for learning. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("workflow", "0008_bulk_actions")]

    operations = [
        AddIndexConcurrently(
            model_name="run",
            index=models.Index(
                condition=models.Q(("ended_at__isnull", False)),
                fields=["realm_id", "version", "-ended_at"],
                name="workflow_run_ended",
            ),
        ),
    ]
