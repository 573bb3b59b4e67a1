from __future__ import annotations

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # the table may be large: its indexes are built beside the work going on

    dependencies = [("workflow", "0003_taken_back")]

    operations = [
        AddIndexConcurrently(
            model_name="taskrun",
            index=models.Index(
                fields=["realm_id", "due_at"], condition=models.Q(due_at__isnull=False), name="workflow_task_due_turn"
            ),
        ),
        RemoveIndexConcurrently(model_name="taskrun", name="workflow_task_due"),
    ]
