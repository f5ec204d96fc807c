"""Keep one active run per subject of a kind, and the kind of a run's further subjects."""

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import Q

ACTIVE = ("queued", "running", "reverting")


class Migration(migrations.Migration):
    dependencies = [("workflow", "0007_plain_help_texts")]

    operations = [
        migrations.RemoveConstraint(model_name="run", name="one_active_run_per_subject"),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=Q(("state__in", ACTIVE)),
                fields=("subject_id", "subject_type"),
                name="one_active_run_per_subject",
            ),
        ),
        # No pipeline of an earlier version has further subjects. A new column does not rewrite the table.
        migrations.RemoveField(model_name="run", name="also"),
        migrations.AddField(
            model_name="run",
            name="also",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=80),
                blank=True,
                default=list,
                help_text="Its further subjects: type:id.",
                size=None,
            ),
        ),
    ]
