"""What bootstrap wrote into an endpoint, so that it overwrites nothing that an operator did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identity", "0003_endpoint_filters_domain_options")]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="bootstrap_url",
            field=models.CharField(db_default="", default="", editable=False, max_length=2048),
        ),
    ]
