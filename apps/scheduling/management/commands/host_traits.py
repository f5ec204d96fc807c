"""``manage.py host_traits HOST --add CUSTOM_X --remove CUSTOM_Y``: show traits, or change the operator's own."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import hosts


class Command(BaseCommand):
    help = "Show a host's traits; add and remove your own traits (CUSTOM_*)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host")
        parser.add_argument("--add", action="append", default=[], metavar="CUSTOM_NAME")
        parser.add_argument("--remove", action="append", default=[], metavar="CUSTOM_NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            host = selectors.get(name=options["host"])
            wanted = (set(host.custom_traits) | set(options["add"])) - set(options["remove"])
            if wanted != set(host.custom_traits):
                host = hosts.set_traits(name=host.name, traits=wanted)
        except CloudError as error:
            raise CommandError(error.message) from error
        self.stdout.write("\n".join(sorted({*host.traits, *host.custom_traits})))
