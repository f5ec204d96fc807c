"""``manage.py audit_prune``: delete audit events that exceed the age in the settings."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.common import audit


class Command(BaseCommand):
    help = "Delete audit events older than CELERITY_AUDIT_DAYS (or --days). Beat does so every day."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--days", type=int, default=settings.AUDIT_DAYS)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{audit.prune(days=options['days'])} events deleted")
