"""``manage.py network_offloads``: whether guests of a userspace datapath hand over large segments."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

SETTING = "CELERITY_NETDEV_OFFLOADS"
STEPS = """\
Now run make up on this machine, then on every other one: each restarts its Open vSwitch with the mode, which interrupts
traffic for seconds. Then restart the guests below (openstack server reboot --hard, or stop and start): until then, they
hand over packets that tunnels drop."""


class Command(BaseCommand):
    help = (
        "Show the cloud's mode of offloads, or change it. It only matters to the datapath netdev with an Open vSwitch "
        "before 3.5: multi-host before a second host joins, single-host for one host, which is faster."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("mode", nargs="?", choices=["single-host", "multi-host"])
        parser.add_argument("--guests", action="store_true", help="list this machine's guests that need a restart")

    def handle(self, *args: Any, **options: Any) -> None:
        from apps.networking.selectors import offloads

        if options["mode"]:
            self._change(options["mode"])
        elif options["guests"]:
            for line in self._guests(offloads.mode()):
                self.stdout.write(line)
        else:
            self.stdout.write(offloads.mode())

    def _change(self, mode: str) -> None:
        from apps.common.exceptions import CloudError
        from apps.networking.services import offloads

        if os.environ.get("CELERITY_ROLE") == "host":
            raise CommandError("The mode is the cloud's: change it on the first machine.")
        try:
            offloads.change(mode=mode)
        except CloudError as error:
            raise CommandError(str(error)) from None
        remember(settings.STATE_DIR / "celerity.env", mode)
        self.stdout.write(f"The cloud's mode of offloads is {mode}.")
        guests = self._guests(mode)
        if mode == offloads.MULTI_HOST:
            self.stdout.write(STEPS)
            for line in [*guests, *self._guests_elsewhere(mode)] or ["No guest needs a restart."]:
                self.stdout.write(line)
        else:
            self.stdout.write("Run make up on this machine. Guests send large segments after their next start.")

    def _guests_elsewhere(self, mode: str) -> list[str]:
        """Return a line for each guest of other machines that must be restarted, and for each that does not answer."""
        from apps.scheduling.selectors import hosts
        from apps.scheduling.services import agents
        from workers.host import drivers, offloads

        lines = []
        for host in sorted(set(hosts.names()) - set(drivers.host_names())):
            try:
                guests = offloads.guests_of_other_host(host, mode)
                lines += [f"{server_id} {name} on {host}" for server_id, name in guests]
            except agents.AgentSilent as error:
                lines.append(f"{host} does not answer: run celerity network_offloads --guests there ({error})")
        return lines

    def _guests(self, mode: str) -> list[str]:
        """Return a line for each guest of this machine that must be restarted."""
        from workers.drivers.errors import DriverError
        from workers.host import drivers, offloads

        lines = []
        try:
            for host in drivers.host_names():
                guests = offloads.guests_to_restart(drivers.make(host), mode)
                lines += [f"{guest.id} {guest.name}" for guest in guests]
        except DriverError as error:
            raise CommandError(f"{error.message} {error.details}") from None
        return lines


def remember(file: Path, mode: str) -> None:
    """Write the mode into this machine's settings, which `make up` reads. Without the file there is nothing to do."""
    if not file.exists():
        return
    kept = [line for line in file.read_text().splitlines() if line.split("=", 1)[0].strip() != SETTING]
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as written:
        written.write("\n".join([*kept, f"{SETTING}={mode}"]) + "\n")
    partial.replace(file)
