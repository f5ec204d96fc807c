"""``manage.py host_capacity HOST --cpu-ratio 8``: show or change a host's capacity."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.exceptions import CloudError
from apps.scheduling.services import inventories

# option -> (the inventory's column, its type, its help)
OPTIONS: dict[str, tuple[str, type[int] | type[float], str]] = {
    "cpu_ratio": ("vcpus_ratio", float, "virtual CPUs for each of the host's"),
    "ram_ratio": ("ram_ratio", float, "MiB for servers for each MiB of the host's"),
    "disk_ratio": ("disk_ratio", float, "GiB for servers for each GiB of the host's"),
    "reserved_cpus": ("vcpus_reserved", int, "CPUs that servers do not get"),
    "reserved_ram": ("ram_reserved", int, "MiB that servers do not get"),
    "reserved_disk": ("disk_reserved", int, "GiB that servers do not get"),
}


class Command(BaseCommand):
    help = "Show and change a host's allocation ratios and reserves. Existing servers are not affected."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("host")
        for option, (_, kind, text) in OPTIONS.items():
            parser.add_argument(f"--{option.replace('_', '-')}", type=kind, help=text)

    def handle(self, *args: Any, **options: Any) -> None:
        given = {column: options[option] for option, (column, _, _) in OPTIONS.items() if options[option] is not None}
        try:
            inventory = inventories.set_capacity(host=options["host"], changes=given)
        except CloudError as error:
            raise CommandError(error.message) from error
        for word, name, unit in (
            ("vcpus", "vcpus", "vCPU"),
            ("ram", "ram_mib", "MiB RAM"),
            ("disk", "disk_gib", "GiB disk"),
        ):
            total, ratio = getattr(inventory, name), getattr(inventory, f"{word}_ratio")
            reserved, used = getattr(inventory, f"{word}_reserved"), getattr(inventory, f"{word}_used")
            self.stdout.write(
                f"{used} of {inventory.capacity(word)} {unit} used: ({total} - {reserved} reserved) x {ratio:g}"
            )
