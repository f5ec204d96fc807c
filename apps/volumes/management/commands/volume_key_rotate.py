"""``manage.py volume_key_rotate``: create a new key and encrypt every volume's passphrase with it."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.volumes.services import volume_keys


class Command(BaseCommand):
    help = "Make a new key for the passphrases of encrypted volumes and backups, and encrypt all of them with it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{volume_keys.rotate()} passphrases are under the new key")
