"""The passwords that guests post."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0006_plain_help_texts")]

    operations = [
        migrations.CreateModel(
            name="ServerPassword",
            fields=[
                (
                    "server",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="posted_password",
                        serialize=False,
                        to="compute.server",
                    ),
                ),
                ("value", models.TextField()),
                ("posted_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
    ]
