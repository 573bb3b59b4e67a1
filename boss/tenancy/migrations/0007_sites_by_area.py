"""Sites by node, postal code and town: what an outage takes in. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("tenancy", "0006_single_sign_on")]

    operations = [
        AddIndexConcurrently(
            model_name="site", index=models.Index(fields=["realm_id", "access_node"], name="tenancy_site_node")
        ),
        AddIndexConcurrently(
            model_name="site", index=models.Index(fields=["realm_id", "postal_code"], name="tenancy_site_postal_code")
        ),
        AddIndexConcurrently(
            model_name="site", index=models.Index(fields=["realm_id", "city"], name="tenancy_site_city")
        ),
    ]
