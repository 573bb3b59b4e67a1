"""What a pool has done today, for the assembly line. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0001_initial")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("resolved_at__isnull", False)),
                fields=["realm_id", "pool", "resolved_at"],
                name="ticketing_done_by_pool",
            ),
        ),
    ]
