"""``celerity quota_verify``: compare recorded quota usage with the rows of every service."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.quotas.services import verification


class Command(BaseCommand):
    help = "Counts the rows behind reserved quota and prints every difference from the recorded usage; exits 1 if any."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--repair", action="store_true", help="correct the usage records")

    def handle(self, *args: Any, **options: Any) -> None:
        result = verification.repair() if options["repair"] else verification.verify()
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
