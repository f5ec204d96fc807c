"""``celerity drain HOST``: moves a host's servers to others, and shows what stays and why."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.compute.selectors import drains, servers
from apps.scheduling.selectors import hosts as selectors
from apps.scheduling.services import hosts

PERIOD = 2.0


class Command(BaseCommand):
    help = "Disable a host and move its servers to others; running ones while they run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host")
        parser.add_argument("--reason", default="drained", help="shown in lists of hosts")
        parser.add_argument("--show", action="store_true", help="change nothing: show the servers left and why")
        parser.add_argument("--end", action="store_true", help="enable the host again; moves under way are not stopped")
        parser.add_argument("--wait", action="store_true", help="while something moves; exit with 1 if something stays")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["host"]
        try:
            host = selectors.get(name=name)
            if options["end"]:
                hosts.update(name=name, enabled=True)
                self.stdout.write(f"{name} is enabled and accepts new servers.")
                return
            if not options["show"]:
                host = hosts.drain(name=name, reason=options["reason"])
        except CloudError as error:
            raise CommandError(error.message) from error
        since = host.draining_since
        if since is None:
            raise CommandError(f"{name} is not being drained.")
        while True:
            left = drains.reasons(host=name, since=since)
            going = [key for key, why in left.items() if why in ("", drains.MOVING)]
            if not options["wait"] or not going:
                break
            time.sleep(PERIOD)
        names = servers.names(server_ids=list(left))
        for key, why in left.items():
            self.stdout.write(f"{names.get(key, key)} ({key}): {why or 'is next'}")
        self.stdout.write(f"Servers on {name}: {len(left)}." if left else f"{name} is empty.")
        if options["wait"] and left:
            raise CommandError(f"Servers that stay on {name}: {len(left)}.")
