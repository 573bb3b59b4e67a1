"""A mail may say its own header and envelope, and may come back."""

import django_fsm
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notify', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='envelope_from',
            field=models.CharField(blank=True, db_default='', default='', max_length=320),
        ),
        migrations.AddField(
            model_name='message',
            name='headers',
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='state',
            field=django_fsm.FSMField(choices=[('queued', 'Queued'), ('sending', 'Being sent'), ('sent', 'Sent'), ('failed', 'Not delivered'), ('bounced', 'Came back')], default='queued', max_length=10, protected=True, verbose_name='state'),
        ),
    ]
