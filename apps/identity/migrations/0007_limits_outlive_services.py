"""Registered limits keep the ids of services and regions that are deleted, as Keystone's do."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identity", "0006_known_addresses")]

    operations = [
        migrations.AlterField(
            model_name="registeredlimit",
            name="service",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="identity.service",
            ),
        ),
        migrations.AlterField(
            model_name="registeredlimit",
            name="region",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="identity.region",
            ),
        ),
    ]
