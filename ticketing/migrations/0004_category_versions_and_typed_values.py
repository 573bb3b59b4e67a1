"""Statuses, drafts and a typed copy of what tickets' own fields hold."""

import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0006_single_sign_on'),
        ("ticketing", "0003_time"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CategoryDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('characteristics', models.JSONField(default=list, verbose_name='fields')),
                ('statuses', models.JSONField(default=list, verbose_name='statuses')),
                ('revision', models.PositiveIntegerField(default=1, verbose_name='revision')),
                ('updated_by', models.CharField(max_length=200, verbose_name='updated by')),
                ('updated_at', models.DateTimeField(auto_now=True, verbose_name='updated')),
            ],
            options={
                'verbose_name': 'category draft',
                'verbose_name_plural': 'category drafts',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='TicketFieldValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('field', models.CharField(db_collation='C', max_length=60)),
                ('ordinal', models.PositiveSmallIntegerField(default=0)),
                ('v_text', models.CharField(db_collation='C', max_length=200, null=True)),
                ('v_num', models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ('v_bool', models.BooleanField(null=True)),
                ('v_ts', models.DateTimeField(null=True)),
                ('searchable', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'field value',
                'verbose_name_plural': 'field values',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='categoryschema',
            name='note',
            field=models.CharField(blank=True, db_default='', default='', max_length=500, verbose_name='what changed'),
        ),
        migrations.AddField(
            model_name='categoryschema',
            name='published_by',
            field=models.CharField(blank=True, db_default='', default='', max_length=200, verbose_name='published by'),
        ),
        migrations.AddField(
            model_name='categoryschema',
            name='statuses',
            field=models.JSONField(db_default=[], default=list, verbose_name='statuses'),
        ),
        migrations.AddField(
            model_name='ticket',
            name='status',
            field=models.CharField(db_collation='C', db_default='new', default='new', help_text="The category's own word for the state.", max_length=40, verbose_name='status'),
        ),
        migrations.AddField(
            model_name='categorydraft',
            name='category',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='draft', to='ticketing.category'),
        ),
        migrations.AddField(
            model_name='ticketfieldvalue',
            name='category',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ticketing.category'),
        ),
        migrations.AddField(
            model_name='ticketfieldvalue',
            name='ticket',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='field_values', to='ticketing.ticket'),
        ),
        migrations.AddIndex(
            model_name='ticketfieldvalue',
            index=models.Index(condition=models.Q(('v_text__isnull', False)), fields=['realm_id', 'category', 'field', 'v_text', 'ticket'], name='ticketing_by_v_text'),
        ),
        migrations.AddIndex(
            model_name='ticketfieldvalue',
            index=models.Index(condition=models.Q(('v_num__isnull', False)), fields=['realm_id', 'category', 'field', 'v_num', 'ticket'], name='ticketing_by_v_num'),
        ),
        migrations.AddIndex(
            model_name='ticketfieldvalue',
            index=models.Index(condition=models.Q(('v_bool__isnull', False)), fields=['realm_id', 'category', 'field', 'v_bool', 'ticket'], name='ticketing_by_v_bool'),
        ),
        migrations.AddIndex(
            model_name='ticketfieldvalue',
            index=models.Index(condition=models.Q(('v_ts__isnull', False)), fields=['realm_id', 'category', 'field', 'v_ts', 'ticket'], name='ticketing_by_v_ts'),
        ),
        migrations.AddIndex(
            model_name='ticketfieldvalue',
            index=models.Index(condition=models.Q(('searchable', True)), fields=['realm_id', 'v_text'], name='ticketing_value_search'),
        ),
        migrations.AddConstraint(
            model_name='ticketfieldvalue',
            constraint=models.UniqueConstraint(fields=('realm_id', 'ticket', 'field', 'ordinal'), name='ticketing_value_once'),
        ),
        migrations.AddConstraint(
            model_name='ticketfieldvalue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('v_bool', None), ('v_num', None), ('v_text__isnull', False), ('v_ts', None)), models.Q(('v_bool', None), ('v_num__isnull', False), ('v_text', None), ('v_ts', None)), models.Q(('v_bool__isnull', False), ('v_num', None), ('v_text', None), ('v_ts', None)), models.Q(('v_bool', None), ('v_num', None), ('v_text', None), ('v_ts__isnull', False)), _connector='OR'), name='ticketing_value_is_one'),
        ),
    ]
