"""How often a run was changed under way. A column with a constant default is added without rewriting the table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflow", "0009_ended_runs")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="revision",
            field=models.PositiveSmallIntegerField(db_default=0, default=0),
        ),
    ]
