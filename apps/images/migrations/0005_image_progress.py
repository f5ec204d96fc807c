from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("images", "0004_image_filled_by"),
    ]

    operations = [
        migrations.AddField(
            model_name="image",
            name="progress",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
