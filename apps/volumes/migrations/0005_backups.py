import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("volumes", "0004_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="volume",
            name="source_backup_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Backup",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("project_id", models.CharField(max_length=64)),
                ("user_id", models.CharField(max_length=64)),
                ("name", models.CharField(blank=True, default="", max_length=255)),
                ("description", models.CharField(blank=True, max_length=255, null=True)),
                ("volume_id", models.UUIDField(db_index=True)),
                ("snapshot_id", models.UUIDField(blank=True, null=True)),
                ("size", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("creating", "creating"),
                            ("available", "available"),
                            ("restoring", "restoring"),
                            ("deleting", "deleting"),
                            ("deleted", "deleted"),
                            ("error", "error"),
                            ("error_deleting", "error_deleting"),
                        ],
                        default="creating",
                        max_length=32,
                    ),
                ),
                ("volume_facts", models.JSONField(blank=True, default=dict)),
                ("container", models.CharField(blank=True, default="", max_length=255)),
                ("availability_zone", models.CharField(blank=True, default="", max_length=255)),
                ("host", models.CharField(blank=True, default="", max_length=255)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("objects_count", models.PositiveIntegerField(default=0)),
                ("stored_bytes", models.BigIntegerField(default=0)),
                ("restoring_id", models.UUIDField(blank=True, db_index=True, null=True)),
                ("error", models.TextField(blank=True, default="")),
                ("data_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "parent",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="children",
                        to="volumes.backup",
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("deleted_at", None)),
                        fields=["project_id", "-created_at", "-id"],
                        name="backup_by_project",
                    ),
                    models.Index(
                        condition=models.Q(("deleted_at", None)), fields=["-created_at", "-id"], name="backup_by_age"
                    ),
                ],
            },
        ),
    ]
