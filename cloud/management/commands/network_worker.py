"""manage.py network_worker: write networks and ports for the cloud's network engine."""

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the network worker: its queue, the statuses of ports, and the comparison with the rows."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.network import process

        process.run()
