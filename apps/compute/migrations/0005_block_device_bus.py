from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0004_server_admin_password")]

    operations = [
        migrations.AddField(
            model_name="blockdevice",
            name="bus",
            field=models.CharField(blank=True, default="", max_length=8),
            preserve_default=False,
        ),
    ]
