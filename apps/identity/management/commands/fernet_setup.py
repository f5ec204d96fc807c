"""``manage.py fernet_setup``: create the first keys."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.identity import keys


class Command(BaseCommand):
    help = "Create the Fernet keys of tokens, where there are none."

    def handle(self, *args: Any, **options: Any) -> None:
        made = keys.setup()
        self.stdout.write(f"{settings.FERNET_KEY_DIR}: {'keys created' if made else 'keys were there already'}")
