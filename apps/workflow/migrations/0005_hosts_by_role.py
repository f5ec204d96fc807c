from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflow", "0004_waiting_since")]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="host",
            field=models.CharField(blank=True, help_text="Where its next step runs.", max_length=255),
        ),
        migrations.AddField(
            model_name="run",
            name="hosts",
            field=models.JSONField(
                blank=True, default=dict, help_text="Role to host, where its pipeline has several hosts."
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="failed_step",
            field=models.CharField(
                blank=True, default="", help_text="The step that is being reverted, or was.", max_length=64
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="run",
            name="revert_from",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Where the revert goes on; empty: at the step that failed.",
                max_length=64,
            ),
            preserve_default=False,
        ),
    ]
