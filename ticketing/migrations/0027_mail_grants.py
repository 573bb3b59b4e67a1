"""Mailboxes that are read with OAuth 2: where the right to it is got, and the tokens, sealed."""

import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ticketing', '0026_cost_rates'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailsource',
            name='sign_in',
            field=models.CharField(choices=[('password', 'With a password'), ('oauth', 'With OAuth 2 (Microsoft 365, Google and others)')], default='password', max_length=8, verbose_name='signs in'),
        ),
        migrations.CreateModel(
            name='MailGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('way', models.CharField(choices=[('person', 'Somebody signs in once for the mailbox'), ('client', 'BOSS has a right of its own (client credentials)')], default='person', max_length=8, verbose_name='how BOSS signs in')),
                ('authorization_endpoint', models.CharField(blank=True, default='', max_length=500, verbose_name='authorization address')),
                ('token_endpoint', models.CharField(max_length=500, verbose_name='token address')),
                ('scope', models.CharField(blank=True, default='', max_length=500, verbose_name='scope')),
                ('client_id', models.CharField(max_length=255, verbose_name='client ID')),
                ('secret_in_body', models.BooleanField(default=True, verbose_name='sends its secret in the body')),
                ('client_secret_sealed', models.TextField(default='', editable=False)),
                ('refresh_token_sealed', models.TextField(default='', editable=False)),
                ('access_token_sealed', models.TextField(default='', editable=False)),
                ('access_ends_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('asking_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('granted_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='signed in')),
                ('granted_by', models.CharField(blank=True, default='', editable=False, max_length=200, verbose_name='signed in by')),
                ('lost_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='lost')),
                ('source', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='grant', to='ticketing.mailsource')),
            ],
            options={
                'verbose_name': 'right to read a mailbox',
                'verbose_name_plural': 'rights to read mailboxes',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
