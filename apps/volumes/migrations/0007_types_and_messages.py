import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("volumes", "0006_pools"),
    ]

    operations = [
        migrations.CreateModel(
            name="QosSpec",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255, unique=True)),
                ("consumer", models.CharField(max_length=16)),
                ("specs", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "verbose_name": "QoS spec",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="volume",
            name="encrypted",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="snapshot",
            name="status",
            field=models.CharField(
                choices=[
                    ("creating", "creating"),
                    ("available", "available"),
                    ("backing-up", "backing-up"),
                    ("restoring", "restoring"),
                    ("restoring-backup", "restoring-backup"),
                    ("deleting", "deleting"),
                    ("deleted", "deleted"),
                    ("error", "error"),
                    ("error_deleting", "error_deleting"),
                ],
                default="creating",
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="DefaultType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("project_id", models.CharField(max_length=64, unique=True)),
                (
                    "volume_type",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="default_of", to="volumes.volumetype"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="EncryptionType",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=255)),
                ("control_location", models.CharField(default="front-end", max_length=16)),
                ("cipher", models.CharField(blank=True, max_length=255, null=True)),
                ("key_size", models.PositiveIntegerField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(blank=True, null=True)),
                (
                    "volume_type",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="encryption", to="volumes.volumetype"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("project_id", models.CharField(max_length=64)),
                ("request_id", models.CharField(blank=True, default="", max_length=255)),
                ("resource_type", models.CharField(max_length=64)),
                ("resource_id", models.UUIDField(db_index=True)),
                ("event", models.CharField(max_length=64)),
                ("text", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [models.Index(fields=["project_id", "-created_at", "-id"], name="message_by_project")],
            },
        ),
        migrations.AddField(
            model_name="volumetype",
            name="qos_spec",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="volume_types",
                to="volumes.qosspec",
            ),
        ),
    ]
