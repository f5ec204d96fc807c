"""Since when a host's agent is heard without a break, and when an operator declared the host dead."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("scheduling", "0007_evacuating")]

    operations = [
        migrations.AddField("host", "heard_since", models.DateTimeField(default=django.utils.timezone.now)),
        migrations.AddField("host", "forced_down_at", models.DateTimeField(blank=True, null=True)),
    ]
