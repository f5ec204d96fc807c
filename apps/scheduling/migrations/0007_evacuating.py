"""Since when the servers of a dead host are made again elsewhere, and whether all of them are."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0006_draining")]

    operations = [
        migrations.AddField(
            "host",
            "evacuating_since",
            models.DateTimeField(
                blank=True, help_text="It is dead, and its servers are made again elsewhere, since then.", null=True
            ),
        ),
        migrations.AddField(
            "host",
            "evacuates_all",
            models.BooleanField(
                default=False,
                help_text="All of its servers; otherwise those that are to restart elsewhere by themselves.",
            ),
        ),
    ]
