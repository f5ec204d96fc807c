from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("compute", "0018_server_trusted_image_certificates"),
    ]

    operations = [
        migrations.AddField(
            model_name="blockdevice",
            name="is_disc",
            field=models.BooleanField(default=False, help_text="The guest has the volume in a CD-ROM drive."),
        ),
    ]
