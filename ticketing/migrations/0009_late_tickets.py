"""Open tickets that are late, for the list's filter. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0008_clocks_of_open_tickets")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=models.Q(("state__in", ("new", "open", "waiting_customer", "waiting_other"))),
                fields=["realm_id", "due_at"],
                name="ticketing_late",
            ),
        ),
    ]
