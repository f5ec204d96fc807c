"""manage.py network_sync: build the network engine's description from rows, or compare it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Make the network engine's description as the rows say. An empty one is built; guests' traffic continues."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--check", action="store_true", help="compare only; exits with 1 if they differ")

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.drivers.errors import DriverError
        from workers.network import engines, reconciler

        engine = engines.make()
        try:
            if options["check"]:
                changes = engine.differences(reconciler.wanted())
            else:
                engine.claim(steal=True)  # from the network worker, which takes it back when this command ends
                changes = reconciler.sync(engine)
        except DriverError as error:
            raise CommandError(f"{error.message} {error.details}") from None
        finally:
            engine.close()
        for text in changes:
            self.stdout.write(text)
        self.stdout.write(f"{len(changes)} differences{'' if options['check'] else ', written'}")
        if options["check"] and changes:
            raise CommandError(f"{len(changes)} differences", returncode=1)
