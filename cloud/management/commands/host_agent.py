"""manage.py host_agent: serve this host, or all simulated ones."""

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Run the agent of this host: its queue, heartbeat, hypervisor events, and recovery."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        from cloud import celery_command
        from workers.host import process

        process.stop_on_term()
        process.run(celery_command.serve)
