"""Outages: what is out, whom it concerns, what they were told and answered."""

import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ipservices', '0010_comparisons_list_by_place'),
        ('notify', '0002_own_headers'),
        ('subscribers', '0003_who_opened_accounts'),
        ('tenancy', '0007_sites_by_area'),
        ('ticketing', '0020_mail_sources'),
    ]

    operations = [
        migrations.CreateModel(
            name='Outage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('public_text', models.CharField(max_length=1000, verbose_name='public text')),
                ('eta_at', models.DateTimeField(blank=True, null=True, verbose_name='expected back')),
                ('started_at', models.DateTimeField(verbose_name='since')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='back since')),
                ('answer_until', models.DateTimeField(blank=True, null=True, verbose_name='answers count until')),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('opened_by', models.CharField(max_length=200, verbose_name='opened by')),
                ('ticket', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outage', to='ticketing.ticket', verbose_name='ticket')),
                ('trouble_category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ticketing.category', verbose_name='category of further trouble')),
            ],
            options={
                'verbose_name': 'outage',
                'verbose_name_plural': 'outages',
                'ordering': ['-id'],
                'permissions': [('manage_outages', 'Can open outages, tell of them and end them'), ('add_to_outage', 'Can add tickets and accounts to outages')],
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
            name='OutageMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('came_by', models.CharField(choices=[('scope', 'Lies in what is out'), ('ticket', 'By a ticket'), ('account', 'By hand'), ('portal', 'Asked to be told')], max_length=8, verbose_name='came by')),
                ('joined_at', models.DateTimeField(verbose_name='belongs to it since')),
                ('reported_at', models.DateTimeField(null=True, verbose_name='reported')),
                ('asked_at', models.DateTimeField(null=True, verbose_name='asked')),
                ('answer', models.CharField(blank=True, choices=[('yes', 'Back'), ('no', 'Not back'), ('none', 'No answer in time')], default='', max_length=4, verbose_name='answer')),
                ('answered_at', models.DateTimeField(null=True, verbose_name='answered')),
                ('account', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='outages', to='subscribers.account')),
                ('outage', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='ipservices.outage')),
                ('site', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.site')),
            ],
            options={
                'verbose_name': 'member of an outage',
                'verbose_name_plural': 'members of outages',
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
            name='OutageScope',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('kind', models.CharField(choices=[('node', 'Access node'), ('site', 'Address'), ('organization', 'Building or organization'), ('postal_code', 'Postal code'), ('city', 'Town'), ('server', 'Server')], max_length=12, verbose_name='kind')),
                ('value', models.CharField(blank=True, default='', max_length=80, verbose_name='name')),
                ('binding', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ipservices.binding')),
                ('organization', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('outage', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='scopes', to='ipservices.outage')),
                ('site', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.site')),
            ],
            options={
                'verbose_name': 'part of an outage',
                'verbose_name_plural': 'parts of outages',
                'ordering': ['id'],
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
            name='OutageTicket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('member', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tickets', to='ipservices.outagemember')),
                ('ticket', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='outage_place', to='ticketing.ticket')),
            ],
            options={
                'verbose_name': 'ticket of an outage',
                'verbose_name_plural': 'tickets of outages',
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
            name='OutageUpdate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('holder', models.CharField(blank=True, default='', editable=False, max_length=40)),
                ('until', models.DateTimeField(editable=False, null=True)),
                ('due_at', models.DateTimeField(editable=False, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished')),
                ('seq', models.PositiveIntegerField(verbose_name='number')),
                ('kind', models.CharField(choices=[('opened', 'Outage announced'), ('news', 'News'), ('over', 'Service is back')], max_length=6, verbose_name='kind')),
                ('text', models.CharField(max_length=1000, verbose_name='text')),
                ('eta_at', models.DateTimeField(null=True, verbose_name='expected back')),
                ('by_mail', models.BooleanField(default=True, verbose_name='by e-mail')),
                ('written_by', models.CharField(max_length=200, verbose_name='written by')),
                ('written_at', models.DateTimeField(verbose_name='written')),
                ('cursor', models.BigIntegerField(default=0, editable=False)),
                ('outage', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='updates', to='ipservices.outage')),
            ],
            options={
                'verbose_name': 'update of an outage',
                'verbose_name_plural': 'updates of outages',
                'ordering': ['-seq'],
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
            name='OutageNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('state', models.CharField(choices=[('told', 'Told'), ('no_address', 'No address'), ('failed', 'Could not be written to')], max_length=10, verbose_name='state')),
                ('reason', models.CharField(blank=True, default='', max_length=300, verbose_name='reason')),
                ('at', models.DateTimeField(verbose_name='at')),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='ipservices.outagemember')),
                ('message', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='notify.message')),
                ('update', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='ipservices.outageupdate')),
            ],
            options={
                'verbose_name': 'notice of an outage',
                'verbose_name_plural': 'notices of outages',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name='outage',
            index=models.Index(fields=['realm_id', '-id'], name='ipservices_outage_recent'),
        ),
        migrations.AddIndex(
            model_name='outage',
            index=models.Index(condition=models.Q(('ended_at', None)), fields=['realm_id'], name='ipservices_outage_open'),
        ),
        migrations.AddIndex(
            model_name='outage',
            index=models.Index(condition=models.Q(('answer_until__isnull', False), ('settled_at', None)), fields=['answer_until'], name='ipservices_outage_unsettled'),
        ),
        migrations.AddIndex(
            model_name='outagemember',
            index=models.Index(fields=['realm_id', 'outage', 'id'], name='ipservices_outage_members'),
        ),
        migrations.AddIndex(
            model_name='outagemember',
            index=models.Index(fields=['realm_id', 'account'], name='ipservices_outages_of_account'),
        ),
        migrations.AddConstraint(
            model_name='outagemember',
            constraint=models.UniqueConstraint(condition=models.Q(('account__isnull', False)), fields=('realm_id', 'outage', 'account'), name='ipservices_outage_member_once'),
        ),
        migrations.AddIndex(
            model_name='outagescope',
            index=models.Index(fields=['realm_id', 'outage'], name='ipservices_scope_of_outage'),
        ),
        migrations.AddConstraint(
            model_name='outagescope',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('value', ''), _negated=True), ('site__isnull', False), ('organization__isnull', False), ('binding__isnull', False), _connector='OR'), name='ipservices_outage_scope_whole'),
        ),
        migrations.AddIndex(
            model_name='outageticket',
            index=models.Index(fields=['realm_id', 'member'], name='ipservices_outage_tickets'),
        ),
        migrations.AddIndex(
            model_name='outageupdate',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='ipservices_outage_update_due'),
        ),
        migrations.AddConstraint(
            model_name='outageupdate',
            constraint=models.UniqueConstraint(fields=('realm_id', 'outage', 'seq'), name='ipservices_outage_update_once'),
        ),
        migrations.AddConstraint(
            model_name='outagenotice',
            constraint=models.UniqueConstraint(fields=('realm_id', 'update', 'member'), name='ipservices_outage_notice_once'),
        ),
    ]
