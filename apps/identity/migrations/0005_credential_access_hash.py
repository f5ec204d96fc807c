"""The access key that an EC2 credential is found by, which its owner may change while the id stays."""

from typing import Any

from django.db import migrations, models


def fill(apps: Any, _schema_editor: Any) -> None:
    """Until now the id was the hash of the access key."""
    apps.get_model("identity", "Credential").objects.filter(type="ec2").update(access_hash=models.F("id"))


class Migration(migrations.Migration):
    dependencies = [("identity", "0004_endpoint_bootstrap_url")]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="access_hash",
            field=models.CharField(editable=False, max_length=64, null=True, unique=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
