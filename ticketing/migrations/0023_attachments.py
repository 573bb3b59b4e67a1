import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_stored_files'),
        ('ticketing', '0022_automation_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='category',
            name='names',
            field=models.JSONField(blank=True, db_default={}, default=dict, verbose_name='name in other languages'),
        ),
        migrations.CreateModel(
            name='Attachment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('field', models.CharField(blank=True, db_collation='C', default='', max_length=60, verbose_name='field')),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('size', models.BigIntegerField(help_text='Bytes.', verbose_name='size')),
                ('media_type', models.CharField(help_text='Told by its bytes, not by its name.', max_length=100, verbose_name='type')),
                ('sha256', models.CharField(db_collation='C', max_length=64)),
                ('scan', models.CharField(choices=[('pending', 'Being checked'), ('clean', 'Checked'), ('blocked', 'Blocked'), ('unscanned', 'Not checked for viruses')], max_length=10, verbose_name='virus scan')),
                ('by_mail', models.BooleanField(default=False, verbose_name='came by mail')),
                ('at', models.DateTimeField(auto_now_add=True, verbose_name='attached')),
                ('added_by', models.CharField(max_length=200, verbose_name='attached by')),
                ('file', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.storedfile')),
                ('message', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='ticketing.message')),
                ('ticket', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='attachments', to='ticketing.ticket')),
            ],
            options={
                'verbose_name': 'attachment',
                'verbose_name_plural': 'attachments',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
                'indexes': [models.Index(fields=['realm_id', 'ticket', 'id'], name='ticketing_files_of_ticket'), models.Index(fields=['realm_id', 'file'], name='ticketing_files_by_content')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('field', ''), ('message__isnull', False)), models.Q(('message', None), models.Q(('field', ''), _negated=True)), _connector='OR'), name='ticketing_attachment_has_one_place')],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
