"""Forwards nothing: no number rests yet. On the way back there is no such state, and resting numbers become free."""

from django.db import migrations


def end_rests(apps, schema_editor):
    PhoneNumber = apps.get_model("ipservices", "PhoneNumber")
    resting = PhoneNumber._base_manager.using(schema_editor.connection.alias).filter(state="quarantined")
    resting.update(state="available", available_from=None, former_key="")


class Migration(migrations.Migration):
    dependencies = [("ipservices", "0008_numbers_rest")]
    operations = [migrations.RunPython(migrations.RunPython.noop, end_rests)]
