"""Lists of one category. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0005_standing_tickets_have_a_status")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(fields=["realm_id", "category", "status", "-id"], name="ticketing_by_status"),
        ),
    ]
