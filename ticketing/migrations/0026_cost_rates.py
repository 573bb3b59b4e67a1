"""What an hour of work costs, and the rate each time entry was written with. A column that may be empty: no rewrite."""

import boss.core.scoping
import django.core.validators
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ticketing', '0028_answers_and_standing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='timeentry',
            name='cost_rate',
            field=models.DecimalField(decimal_places=2, editable=False, max_digits=10, null=True, verbose_name='cost per hour'),
        ),
        migrations.CreateModel(
            name='CostRate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('realm_id', models.BigIntegerField(default=boss.core.scoping.default_realm_id, editable=False)),
                ('public_id', models.CharField(default=boss.core.scoping.new_public_id, editable=False, max_length=12, unique=True)),
                ('per_hour', models.DecimalField(decimal_places=2, max_digits=10, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='per hour')),
                ('valid_from', models.DateField(verbose_name='valid from')),
                ('set_at', models.DateTimeField(auto_now_add=True)),
                ('set_by', models.CharField(max_length=200, verbose_name='set by')),
                ('pool', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ticketing.talentpool', verbose_name='pool')),
                ('user', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='person')),
            ],
            options={
                'verbose_name': 'cost rate',
                'verbose_name_plural': 'cost rates',
                'abstract': False,
                'default_permissions': ('add', 'view'),
                'base_manager_name': 'unscoped',
                'default_manager_name': 'objects',
                'indexes': [models.Index(fields=['realm_id', 'user', 'pool', '-valid_from', '-id'], name='ticketing_cost_rate_of')],
                'constraints': [models.CheckConstraint(condition=models.Q(('user', None), ('pool', None), _connector='OR'), name='ticketing_cost_rate_of_one'), models.CheckConstraint(condition=models.Q(('per_hour', None), ('per_hour__gte', 0), _connector='OR'), name='ticketing_cost_rate_not_negative')],
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
