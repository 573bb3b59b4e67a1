"""Outages: members are taken out again, and some were none."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ipservices', '0012_moves_carry_content'),
    ]

    operations = [
        migrations.AddField(
            model_name='outage',
            name='is_false_alarm',
            field=models.BooleanField(db_default=False, default=False, verbose_name='false alarm'),
        ),
        migrations.AddField(
            model_name='outagemember',
            name='taken_out_at',
            field=models.DateTimeField(null=True, verbose_name='taken out'),
        ),
        migrations.AlterField(
            model_name='outageupdate',
            name='kind',
            field=models.CharField(
                choices=[('opened', 'Outage announced'), ('news', 'News'), ('over', 'Service is back'), ('false', 'It was none')],
                max_length=6,
                verbose_name='kind',
            ),
        ),
    ]
