"""``manage.py credential_rotate``: create a new key and encrypt every stored credential with it."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.identity.services import credentials


class Command(BaseCommand):
    help = "Make a new key for stored credentials (EC2 keys and others) and encrypt all of them with it."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{credentials.rotate_keys()} credentials are under the new key")
