"""Answers find a message by the id of its mail. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0011_mail")]

    operations = [
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("message_id", ""), _negated=True),
                fields=["realm_id", "message_id"],
                name="ticketing_message_by_mail",
            ),
        ),
    ]
