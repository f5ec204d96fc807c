import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("compute", "0017_migration_by_run"),
    ]

    operations = [
        migrations.AddField(
            model_name="server",
            name="trusted_image_certificates",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255),
                blank=True,
                help_text="IDs of those that may sign its image.",
                null=True,
                size=None,
            ),
        ),
    ]
