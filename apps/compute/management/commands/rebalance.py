"""``celerity rebalance``: proposes moves that make the fullest hosts less full; with ``--do`` it makes them."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.compute.services import drains, move_plans

PERIOD = 2.0


class Command(BaseCommand):
    help = "Propose moves of servers from the fullest hosts to others."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--most", type=int, default=20, help="moves that are proposed (20)")
        parser.add_argument(
            "--threshold", type=int, default=5, help="percent by which a host has to be fuller than the other one (5)"
        )
        parser.add_argument("--do", action="store_true", help="make the moves, one after another")

    def handle(self, *args: Any, **options: Any) -> None:
        proposals = move_plans.balance(most=options["most"], threshold=options["threshold"])
        if not proposals:
            self.stdout.write("No move is worth it: no host is much fuller than another one that takes its servers.")
            return
        for number, row in enumerate(proposals, start=1):
            self.stdout.write(
                f"{number:4}. {row.server.name} ({row.server.id}) from {row.source} to {row.host}: "
                f"{row.source} is {row.before} % full, then {row.after} %"
            )
        if not options["do"]:
            self.stdout.write("Nothing was changed. --do makes these moves.")
            return
        failed = sum(not self._move(row) for row in proposals)
        if failed:
            raise CommandError(f"{failed} of {len(proposals)} moves failed.")

    def _move(self, row: move_plans.Proposal) -> bool:
        try:
            migration = drains.move(server_id=row.server.id, host=row.host)
            while (problem := drains.outcome(migration_id=migration)) is None:
                time.sleep(PERIOD)
        except CloudError as error:
            problem = error.message
        self.stdout.write(f"{row.server.name}: {problem or f'is on {row.host}'}")
        return not problem
