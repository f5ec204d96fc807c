"""Since when a host's servers are moved away."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0005_plain_help_texts")]

    operations = [
        migrations.AddField(
            "host",
            "draining_since",
            models.DateTimeField(
                blank=True, help_text="Its servers are moved to other hosts, a few at a time, since then.", null=True
            ),
        ),
    ]
