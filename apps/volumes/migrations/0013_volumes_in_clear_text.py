"""Volumes of types with an encryption were written in clear text before there were keys: they say so."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("volumes", "0012_volume_keys")]

    operations = [
        migrations.RunSQL(
            "UPDATE volumes_volume v SET encrypted = false WHERE v.encrypted"
            " AND NOT EXISTS (SELECT 1 FROM volumes_volumekey k WHERE k.volume_id = v.id AND NOT k.is_next)",
            migrations.RunSQL.noop,
        ),
    ]
