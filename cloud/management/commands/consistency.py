"""``manage.py consistency``: compares rows with rows, and rows with this machine's hosts."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Compare the database with itself, the network engine and this machine's hosts. Exits with 1 if they differ."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON list on one line")
        parser.add_argument("--rows-only", action="store_true", help="leave the hosts out")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.networking import capabilities
        from workers.consistency import check
        from workers.host import drivers

        differences = list(check.of_rows())
        if capabilities.has_engine():
            differences += [check.Inconsistency("network engine", *text.split(": ", 1)) for text in self._networks()]
        for name in [] if options["rows_only"] else drivers.host_names():
            differences += check.of_host(drivers.make(name))
        if options["json"]:
            self.stdout.write(json.dumps([difference.as_dict() for difference in differences]))
        else:
            for difference in differences:
                self.stdout.write(f"{difference.kind:12} {difference.what}: {difference.details}")
            self.stdout.write(f"{len(differences)} differences")
        if differences:
            raise CommandError(f"{len(differences)} differences", returncode=1)

    def _networks(self) -> list[str]:
        """Compare the network engine's description with the rows."""
        from workers.drivers.errors import DriverError
        from workers.network import engines, reconciler

        engine = engines.make()
        try:
            return reconciler.differences(engine)
        except DriverError as error:
            return [f"northbound: {error.message} {error.details}"]
        finally:
            engine.close()
