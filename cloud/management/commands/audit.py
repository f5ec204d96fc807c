"""manage.py audit: what does not agree, between the rows and between rows and this machine's hosts."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Compare the database with itself and with this machine's hosts. Prints findings; exits with 1 if any."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON list on one line")
        parser.add_argument("--rows-only", action="store_true", help="leave the hosts out")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.audit import findings
        from workers.host import drivers

        found = list(findings.of_rows())
        for name in [] if options["rows_only"] else drivers.host_names():
            found += findings.of_host(drivers.make(name))
        if options["json"]:
            self.stdout.write(json.dumps([one.as_dict() for one in found]))
        else:
            for one in found:
                self.stdout.write(f"{one.kind:12} {one.what}: {one.details}")
            self.stdout.write(f"{len(found)} findings")
        if found:
            raise CommandError(f"{len(found)} findings", returncode=1)
