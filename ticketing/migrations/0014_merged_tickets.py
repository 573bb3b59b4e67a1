"""Merged tickets by the one that goes on, and the rule that there is one. The table may be big: the index is built
beside running work, and the rule is looked through after it holds for new rows."""

from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0013_links")]

    operations = [
        AddIndexConcurrently(
            model_name="ticket",
            index=models.Index(
                condition=Q(("merged_into__isnull", False)),
                fields=["realm_id", "merged_into"],
                name="ticketing_merged_into",
            ),
        ),
        AddConstraintNotValid(
            model_name="ticket",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("merged_into__isnull", False), ("state", "merged")),
                    Q(Q(("state", "merged"), _negated=True), ("merged_into", None)),
                    _connector="OR",
                ),
                name="ticketing_merged_into_something",
            ),
        ),
        ValidateConstraint(model_name="ticket", name="ticketing_merged_into_something"),
    ]
