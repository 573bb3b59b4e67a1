"""A telephone number that was in use rests before somebody else may have it."""

import django_fsm
from django.db import migrations, models
from django.db.models import Q

STATES = [
    ("available", "Free"),
    ("reserved", "Reserved"),
    ("assigned", "In use"),
    ("porting_in", "Being brought along"),
    ("left", "Given back"),
]


class Migration(migrations.Migration):
    dependencies = [("ipservices", "0007_migrations")]

    operations = [
        migrations.AddField(
            model_name="phonenumber",
            name="available_from",
            field=models.DateTimeField(blank=True, null=True, verbose_name="free from"),
        ),
        migrations.AddField(
            model_name="phonenumber",
            name="former_key",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
        migrations.AlterField(
            model_name="phonenumber",
            name="state",
            field=django_fsm.FSMField(
                choices=[*STATES, ("quarantined", "Resting")],
                default="available",
                max_length=12,
                protected=True,
                verbose_name="state",
            ),
        ),
        migrations.AddConstraint(
            model_name="phonenumber",
            constraint=models.CheckConstraint(
                condition=Q(state="quarantined", available_from__isnull=False, service__isnull=True)
                | (~Q(state="quarantined") & Q(available_from__isnull=True)),
                name="ipservices_number_rests_until",
            ),
        ),
        migrations.RemoveIndex(model_name="phonenumber", name="ipservices_number_free"),
        migrations.AddIndex(
            model_name="phonenumber",
            index=models.Index(
                fields=["realm_id", "number"],
                condition=Q(state__in=["available", "quarantined"]),
                name="ipservices_number_unused",
            ),
        ),
    ]
