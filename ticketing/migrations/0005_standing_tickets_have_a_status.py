"""Tickets that were there before statuses have the standard one of their state."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0004_category_versions_and_typed_values")]

    operations = [
        migrations.RunSQL(
            "UPDATE ticketing_ticket SET status = state WHERE status <> state",
            migrations.RunSQL.noop,
        ),
    ]
