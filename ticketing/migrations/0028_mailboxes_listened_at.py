"""Who listens at a mailbox whose server tells of new mail, and whether it does."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ticketing', '0027_mail_grants'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailsource',
            name='tells',
            field=models.BooleanField(blank=True, editable=False, null=True, verbose_name='tells of new mail'),
        ),
        migrations.AddField(
            model_name='mailsource',
            name='listener',
            field=models.BigIntegerField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='mailsource',
            name='listened_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
