"""manage.py host_shutdown: power off this host's servers and take its networks down, so that they come back."""

from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Power off this host's guests, stop DHCP and remove bridges. The next agent starts the servers again."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--timeout", type=float, default=10.0, help="seconds a guest has to power off")
        parser.add_argument("--forget-saved", action="store_true", help="suspended servers too: their memory is lost")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.host import shutdown

        for line in shutdown.run(timeout_s=options["timeout"], forget_saved=options["forget_saved"]):
            self.stdout.write(line)
