"""``manage.py fernet_rotate``: create a new primary key for tokens; running processes load it by themselves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.identity import keys


class Command(BaseCommand):
    help = "Promote the staged Fernet key, stage a new one, drop the oldest (three are kept)."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            primary = keys.rotate()
        except keys.KeysMissing as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"key {primary} is the primary key now")
