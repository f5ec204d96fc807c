from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("compute", "0019_blockdevice_is_disc"),
    ]

    operations = [
        migrations.AddField(
            model_name="migration",
            name="downtime_ms",
            field=models.IntegerField(
                blank=True, help_text="How long the guest was paused, if it was told.", null=True
            ),
        ),
    ]
