from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The calls of a run are asked for by its number. Built beside the running application: the table can be big."""

    atomic = False

    dependencies = [("ipservices", "0005_comparisons")]

    operations = [
        AddIndexConcurrently(
            model_name="drivercall",
            index=models.Index(
                fields=["realm_id", "run_public_id", "-id"],
                condition=~models.Q(run_public_id=""),
                name="ipservices_call_run",
            ),
        ),
    ]
