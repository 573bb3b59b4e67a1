import boss.core.scoping
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0005_stored_files'),
        ('ticketing', '0029_answers_and_standing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='talentpool',
            name='absent_after',
            field=models.DurationField(blank=True, null=True, verbose_name='put back after an absence of'),
        ),
        migrations.AddField(
            model_name='talentpool',
            name='absence_look_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.CreateModel(
            name='KeptFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('form', models.CharField(db_collation='C', max_length=40)),
                ('place', models.CharField(db_collation='C', max_length=80)),
                ('name', models.CharField(max_length=120, verbose_name='name')),
                ('size', models.BigIntegerField(help_text='Bytes.', verbose_name='size')),
                ('kept_at', models.DateTimeField(auto_now_add=True, verbose_name='kept')),
                ('file', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.storedfile')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'file not sent yet',
                'verbose_name_plural': 'files not sent yet',
                'abstract': False,
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
                'indexes': [models.Index(fields=['realm_id', 'user', 'form'], name='ticketing_kept_file_of_form'), models.Index(fields=['realm_id', 'file'], name='ticketing_kept_file_by_content'), models.Index(fields=['kept_at'], name='ticketing_kept_file_by_age')],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
