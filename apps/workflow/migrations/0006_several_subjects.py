import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflow", "0005_hosts_by_role")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="also",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), blank=True, default=list, help_text="Its further subjects.", size=None
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="leader_id",
            field=models.UUIDField(
                blank=True, help_text="In the row of a further subject: the run that works on it.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("leader_id", None), _negated=True), fields=["leader_id"], name="run_by_leader"
            ),
        ),
    ]
