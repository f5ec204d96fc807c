"""``celerity evacuate HOST``: makes a dead host's servers again on others, or shows the plan."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.compute.selectors import evacuations
from apps.compute.selectors import servers as server_selectors
from apps.compute.services import move_plans
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import hosts


class Command(BaseCommand):
    help = "Make the servers of a host that is forced down again on other hosts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host")
        parser.add_argument("--plan", action="store_true", help="change nothing: show where each server would go")
        parser.add_argument("--show", action="store_true", help="change nothing: show the servers left and why")
        parser.add_argument(
            "--automatic", action="store_true", help="with --plan: only servers that restart elsewhere by themselves"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["host"]
        try:
            host = selectors.get(name=name)
            if options["plan"]:
                self._plan(host, everything=not options["automatic"])
                return
            if not options["show"]:
                host = hosts.evacuate(name=name)
        except CloudError as error:
            raise CommandError(error.message) from error
        left = evacuations.reasons_of(host)
        names = server_selectors.names(server_ids=list(left))
        for key, why in left.items():
            self.stdout.write(f"{names.get(key, key)} ({key}): {why or 'is next'}")
        self.stdout.write(f"Servers on {name}: {len(left)}." if left else f"{name} is empty.")

    def _plan(self, host: Any, *, everything: bool) -> None:
        plan = move_plans.evacuation(host=host.name, everything=everything)
        for number, row in enumerate(plan, start=1):
            rank = "not by itself" if row.priority is None else f"priority {row.priority}"
            where = f"to {row.host}: {row.becomes}" if row.host else f"stays: {row.reason}"
            self.stdout.write(f"{number:4}. {row.server.name} ({row.server.id}), {rank}, {where}")
        going = sum(1 for row in plan if row.host)
        self.stdout.write(f"{going} of {len(plan)} servers would be made again elsewhere. Nothing was changed.")
        if not host.forced_down:
            self.stdout.write(f"{host.name} is not forced down: switch the machine off and force it down first.")
