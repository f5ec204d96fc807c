"""Whether a live migration is to be completed soon."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("compute", "0013_shelved")]

    operations = [
        migrations.AddField(
            "migration",
            "forced",
            models.BooleanField(
                db_default=False, default=False, help_text="It is to be completed soon, at the price of a pause."
            ),
        ),
    ]
