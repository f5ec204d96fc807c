"""The host that a port's server is on the way to."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("networking", "0014_cloud_properties")]

    operations = [
        migrations.AddField(
            "port",
            "moving_to",
            models.CharField(
                blank=True, db_default="", default="", help_text="The host that its server moves to.", max_length=255
            ),
        ),
        migrations.AddIndex(
            "port", models.Index(condition=~models.Q(moving_to=""), fields=["moving_to"], name="port_moving_to")
        ),
    ]
