from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflow", "0003_drop_alternates")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="waiting_since",
            field=models.DateTimeField(
                blank=True,
                help_text="When the step was sent first, if its message was lost and it was sent again.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="step",
            name="waiting_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
