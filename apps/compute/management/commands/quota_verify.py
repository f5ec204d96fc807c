"""``manage.py quota_verify``: whether the quota's books agree with the rows."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.compute.services import quota_verification


class Command(BaseCommand):
    help = "Recounts what quotas count (servers, key pairs, server groups) and prints every difference; exits 1 if any."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--repair", action="store_true", help="set the books to what the rows say")

    def handle(self, *args: Any, **options: Any) -> None:
        found = quota_verification.repair() if options["repair"] else quota_verification.verify()
        for one in found.differences:
            self.stdout.write(str(one))
        for consumer in found.orphans:
            self.stdout.write(f"{consumer}: has a reservation and does not exist")
        if not found:
            self.stdout.write("The quota's books agree with the rows.")
        elif options["repair"]:
            self.stdout.write("Repaired.")
        else:
            raise CommandError("The quota's books differ from the rows; --repair sets them right.", returncode=1)
