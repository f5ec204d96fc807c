"""``manage.py network_upgrade``: what a cloud from before OVN needs when its networks become OVN's. Safe to repeat."""

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError

CHOICES = ("enforce", "open")


class Command(BaseCommand):
    help = "List the ports that enforcement of security groups closes, or keep them open, and give networks routers."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--check", action="store_true", help="list only; exits with 1 if ports would be closed")
        parser.add_argument("--groups", choices=CHOICES, default="enforce", help="what becomes of ports that are open")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.networking.services import bootstrap, enforcement

        if options["check"]:
            self._check()
            return
        if options["groups"] == "open":
            self.stdout.write(f"{enforcement.keep_open()} security groups opened, as they were in effect before")
        self.stdout.write(f"{bootstrap.add_ways_out()} networks have a router now")

    def _check(self) -> None:
        from apps.compute.selectors import servers
        from apps.networking.services import enforcement

        closed: dict[str, list[str]] = {}
        for port_id, server_id, ip in enforcement.closed_addresses():
            closed.setdefault(server_id, []).append(f"{ip or 'no address'} (port {port_id})")
        names = servers.names(server_ids=[uuid.UUID(server_id) for server_id in closed])
        for server_id, ports in closed.items():
            self.stdout.write(f"{names.get(uuid.UUID(server_id), '-')} {server_id}: {', '.join(ports)}")
        if closed:
            raise CommandError(f"{len(closed)} servers have ports that their security groups would close", returncode=1)
