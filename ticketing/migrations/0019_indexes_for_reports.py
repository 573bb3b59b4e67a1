"""Tickets and promises by the instants that reports ask about. Built beside running work: the tables may be big."""

import django.db.models.functions.comparison
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("ticketing", "0018_saved_reports")]

    operations = [
        AddIndexConcurrently(
            model_name='slaclock',
            index=models.Index(condition=models.Q(('stopped_at__isnull', False)), fields=['realm_id', 'stopped_at'], include=('kind', 'state', 'ticket', 'started_at'), name='ticketing_clocks_stopped'),
        ),
        AddIndexConcurrently(
            model_name='slaclock',
            index=models.Index(condition=models.Q(('state', 'met'), _negated=True), fields=['realm_id', 'due_at'], include=('kind', 'state', 'ticket'), name='ticketing_clocks_late'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(fields=['realm_id', 'opened_at'], include=('category', 'pool', 'priority'), name='ticketing_by_opening'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(models.F('realm_id'), django.db.models.functions.comparison.Coalesce('resolved_at', 'closed_at'), name='ticketing_by_end'),
        ),
        AddIndexConcurrently(
            model_name='ticket',
            index=models.Index(condition=models.Q(('first_response_at__isnull', False)), fields=['realm_id', 'first_response_at'], include=('opened_at',), name='ticketing_by_first_answer'),
        ),
    ]
