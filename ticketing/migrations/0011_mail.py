"""Mail: mailboxes, what comes in with its raw form, what goes out, and who takes part in a ticket."""

import boss.core.scoping
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notify', '0002_own_headers'),
        ("ticketing", "0010_escalation"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BlockedSender',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('address', models.CharField(db_collation='C', max_length=254, verbose_name='address')),
                ('blocked_at', models.DateTimeField(auto_now_add=True)),
                ('blocked_by', models.CharField(max_length=200)),
            ],
            options={
                'verbose_name': 'blocked sender',
                'verbose_name_plural': 'blocked senders',
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
            name='InboundMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('envelope_from', models.CharField(blank=True, max_length=320, verbose_name='return path')),
                ('envelope_to', models.CharField(max_length=320, verbose_name='delivered to')),
                ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='received')),
                ('size', models.PositiveIntegerField(verbose_name='size')),
                ('state', models.CharField(choices=[('received', 'Received'), ('applied', 'On a ticket'), ('held', 'Held'), ('quarantined', 'In quarantine'), ('own', 'Our own mail'), ('duplicate', 'Duplicate'), ('discarded', 'Set aside')], default='received', max_length=12, verbose_name='state')),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('sender', models.CharField(blank=True, db_collation='C', default='', max_length=254, verbose_name='from')),
                ('sender_name', models.CharField(blank=True, default='', max_length=200, verbose_name='name')),
                ('subject', models.CharField(blank=True, default='', max_length=500, verbose_name='subject')),
                ('mail_id', models.CharField(blank=True, db_collation='C', default='', max_length=900)),
                ('thread_root', models.CharField(blank=True, db_collation='C', default='', max_length=900)),
                ('body_hash', models.CharField(blank=True, db_collation='C', default='', max_length=64)),
                ('parts', models.JSONField(default=list, verbose_name='attachments')),
                ('mail_class', models.CharField(blank=True, choices=[('human', 'Written by a person'), ('out_of_office', 'Automatic answer'), ('bounce', 'Report of a mail server'), ('auto', 'Sent by a program'), ('list', 'Mailing list'), ('own', 'Our own mail')], default='', max_length=16, verbose_name='kind')),
                ('authentication', models.CharField(blank=True, choices=[('pass', 'passed'), ('none', 'no result'), ('fail', 'failed')], default='', max_length=4, verbose_name="sender's authentication")),
                ('rule', models.CharField(blank=True, default='', max_length=12, verbose_name='rule')),
                ('trace', models.JSONField(default=list, verbose_name='why')),
                ('reopened', models.BooleanField(default=False)),
                ('settled_at', models.DateTimeField(blank=True, null=True, verbose_name='settled')),
                ('settled_by', models.CharField(blank=True, default='', max_length=200, verbose_name='settled by')),
            ],
            options={
                'verbose_name': 'inbound mail',
                'verbose_name_plural': 'inbound mails',
                'permissions': [('settle_inboundmail', 'Can let held mail in, split it and block senders')],
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
            name='Mailbox',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('address', models.CharField(db_collation='C', max_length=200, unique=True, verbose_name='address')),
                ('accepts_automatic', models.BooleanField(default=False, help_text='For alarms of monitoring: mail that no person wrote opens tickets, too.', verbose_name='accepts mail of programs')),
                ('is_active', models.BooleanField(default=True, verbose_name='in use')),
            ],
            options={
                'verbose_name': 'mailbox',
                'verbose_name_plural': 'mailboxes',
                'permissions': [('manage_mailboxes', 'Can set up mailboxes')],
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
            name='MailBreaker',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('address', models.CharField(db_collation='C', max_length=254, verbose_name='address')),
                ('until', models.DateTimeField(verbose_name='until')),
                ('reason', models.CharField(max_length=40, verbose_name='reason')),
                ('opened_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'verbose_name': 'mail breaker',
                'verbose_name_plural': 'mail breakers',
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
            name='MailKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('version', models.PositiveSmallIntegerField(verbose_name='version')),
                ('secret_sealed', models.CharField(editable=False, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'verbose_name': 'mail key',
                'verbose_name_plural': 'mail keys',
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
            name='OutboundMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('kind', models.CharField(choices=[('answer', 'Answer'), ('received', 'Confirmation'), ('resolved', 'Solved'), ('too_large', 'Too large')], max_length=10, verbose_name='kind')),
                ('is_automatic', models.BooleanField(default=False)),
                ('address', models.CharField(db_collation='C', max_length=254, verbose_name='address')),
                ('mail_id', models.CharField(db_collation='C', max_length=200)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='written')),
            ],
            options={
                'verbose_name': 'sent mail',
                'verbose_name_plural': 'sent mails',
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
            name='Participant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('role', models.CharField(choices=[('requester', 'Requester'), ('cc', 'Copy'), ('staff', 'Staff')], max_length=10, verbose_name='role')),
                ('state', models.CharField(choices=[('accepted', 'Takes part'), ('held', 'Held'), ('removed', 'Removed')], default='accepted', max_length=10, verbose_name='state')),
                ('email', models.CharField(db_collation='C', max_length=254, verbose_name='e-mail')),
                ('name', models.CharField(blank=True, default='', max_length=120, verbose_name='name')),
                ('added_by', models.CharField(max_length=200, verbose_name='added by')),
                ('added_at', models.DateTimeField(auto_now_add=True, verbose_name='added')),
            ],
            options={
                'verbose_name': 'participant',
                'verbose_name_plural': 'participants',
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
            name='RawMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('content', models.BinaryField()),
            ],
            options={
                'verbose_name': 'raw mail',
                'verbose_name_plural': 'raw mails',
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
            model_name='message',
            name='channel',
            field=models.CharField(choices=[('web', 'Web'), ('mail', 'E-mail')], db_default='web', default='web', max_length=8, verbose_name='came by'),
        ),
        migrations.AddField(
            model_name='message',
            name='in_reply_to',
            field=models.CharField(blank=True, db_collation='C', db_default='', default='', max_length=900),
        ),
        migrations.AddField(
            model_name='message',
            name='mail_class',
            field=models.CharField(blank=True, choices=[('human', 'Written by a person'), ('out_of_office', 'Automatic answer'), ('bounce', 'Report of a mail server'), ('auto', 'Sent by a program'), ('list', 'Mailing list'), ('own', 'Our own mail')], db_default='', default='', max_length=16),
        ),
        migrations.AddField(
            model_name='message',
            name='message_id',
            field=models.CharField(blank=True, db_collation='C', db_default='', default='', max_length=900),
        ),
        migrations.AddField(
            model_name='message',
            name='trust',
            field=models.CharField(blank=True, choices=[('verified', 'Sender verified'), ('unverified', 'Unverified sender')], db_default='', default='', max_length=12, verbose_name='sender'),
        ),
        migrations.AddConstraint(
            model_name='blockedsender',
            constraint=models.UniqueConstraint(fields=('realm_id', 'address'), name='ticketing_blocked_once'),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='hint',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ticketing.ticket'),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='message',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ticketing.message'),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='ticket',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='ticketing.ticket'),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='category',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mailboxes', to='ticketing.category', verbose_name='category'),
        ),
        migrations.AddField(
            model_name='inboundmail',
            name='mailbox',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='ticketing.mailbox'),
        ),
        migrations.AddConstraint(
            model_name='mailbreaker',
            constraint=models.UniqueConstraint(fields=('realm_id', 'address'), name='ticketing_breaker_once'),
        ),
        migrations.AddConstraint(
            model_name='mailkey',
            constraint=models.UniqueConstraint(fields=('realm_id', 'version'), name='ticketing_mail_key_version'),
        ),
        migrations.AddField(
            model_name='outboundmail',
            name='delivery',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='notify.delivery'),
        ),
        migrations.AddField(
            model_name='outboundmail',
            name='message',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='sent_mails', to='ticketing.message'),
        ),
        migrations.AddField(
            model_name='outboundmail',
            name='ticket',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='sent_mails', to='ticketing.ticket'),
        ),
        migrations.AddField(
            model_name='participant',
            name='ticket',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='participants', to='ticketing.ticket'),
        ),
        migrations.AddField(
            model_name='participant',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='participations', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='outboundmail',
            name='participant',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='ticketing.participant'),
        ),
        migrations.AddField(
            model_name='rawmail',
            name='mail',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='raw', to='ticketing.inboundmail'),
        ),
        migrations.AddIndex(
            model_name='inboundmail',
            index=models.Index(condition=models.Q(('state', 'received')), fields=['due_at'], name='ticketing_mail_due'),
        ),
        migrations.AddIndex(
            model_name='inboundmail',
            index=models.Index(condition=models.Q(('state__in', ('held', 'quarantined'))), fields=['realm_id', '-id'], name='ticketing_mail_unsettled'),
        ),
        migrations.AddIndex(
            model_name='inboundmail',
            index=models.Index(fields=['realm_id', 'sender', '-received_at'], name='ticketing_mail_by_sender'),
        ),
        migrations.AddIndex(
            model_name='inboundmail',
            index=models.Index(condition=models.Q(('mail_id', ''), _negated=True), fields=['realm_id', 'mail_id'], name='ticketing_mail_by_id'),
        ),
        migrations.AddIndex(
            model_name='inboundmail',
            index=models.Index(fields=['realm_id', 'ticket', '-id'], name='ticketing_mail_by_ticket'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('realm_id', 'ticket', 'email'), name='ticketing_participant_once'),
        ),
        migrations.AddIndex(
            model_name='outboundmail',
            index=models.Index(fields=['realm_id', 'mail_id'], name='ticketing_sent_by_id'),
        ),
        migrations.AddIndex(
            model_name='outboundmail',
            index=models.Index(fields=['realm_id', 'address', '-at'], name='ticketing_sent_by_address'),
        ),
        migrations.AddIndex(
            model_name='outboundmail',
            index=models.Index(fields=['realm_id', 'ticket', '-at'], name='ticketing_sent_by_ticket'),
        ),
    ]
