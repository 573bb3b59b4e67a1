"""The newest open tickets by an index of their own. Built beside running work: the table may be big."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0024_mail_texts")]

    operations = [
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('state__in', ['new', 'open', 'waiting_customer', 'waiting_other'])), fields=['realm_id', '-id'], name='ticketing_newest_open'),
        ),
    ]
