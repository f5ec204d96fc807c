"""Attachments whose volume took the place of another one, or moves while a server has it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("volumes", "0010_backup_plans")]

    operations = [
        migrations.AddField(
            model_name="attachment",
            name="serial",
            field=models.CharField(blank=True, default="", editable=False, max_length=36),
        ),
        migrations.AddField(
            model_name="attachment",
            name="at_target",
            field=models.BooleanField(default=False, editable=False),
        ),
    ]
