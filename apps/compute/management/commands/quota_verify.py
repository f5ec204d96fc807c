"""``celerity quota_verify``: whether quota usage matches the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.compute.services import quota_verification


class Command(BaseCommand):
    help = "Recounts what quotas count (servers, key pairs, server groups) and prints every difference; exits 1 if any."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--repair", action="store_true", help="correct the usage records")

    def handle(self, *args: Any, **options: Any) -> None:
        result = quota_verification.repair() if options["repair"] else quota_verification.verify()
        for difference in result.differences:
            self.stdout.write(str(difference))
        for consumer in result.orphans:
            self.stdout.write(f"{consumer}: has a reservation and does not exist")
        if not result:
            self.stdout.write("Quota usage matches the database.")
        elif options["repair"]:
            self.stdout.write("Repaired.")
        else:
            raise CommandError("Quota usage does not match the database. --repair corrects it.", returncode=1)
