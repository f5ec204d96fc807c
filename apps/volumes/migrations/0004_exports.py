import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import apps.volumes.models.attachments


class Migration(migrations.Migration):
    dependencies = [
        ("volumes", "0003_backends_and_transfers"),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("host", models.CharField(max_length=255)),
                ("storage_host", models.CharField(db_index=True, max_length=255)),
                (
                    "name",
                    models.CharField(default=apps.volumes.models.attachments.new_export, editable=False, max_length=64),
                ),
                ("address", models.CharField(blank=True, default="", max_length=255)),
                ("port", models.PositiveIntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                (
                    "attachment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="exports", to="volumes.attachment"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(fields=("attachment", "host"), name="export_once_a_host"),
                    models.UniqueConstraint(fields=("storage_host", "port"), name="export_has_its_port"),
                ],
            },
        ),
    ]
