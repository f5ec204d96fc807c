"""manage.py certificates: the cloud's certificate authority, and this host's certificate."""

import sys
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "list: how long certificates last. ensure: this machine has the authority, and a certificate of it. On another "
        "machine: certificates request | ssh first celerity certificates sign --host NAME | certificates install"
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument(
            "action", choices=["list", "ensure", "request", "sign", "install"], nargs="?", default="list"
        )
        parser.add_argument(
            "--host", default=settings.HOST_NAME, help="the host's name in the cloud (default: this one)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from workers.system.pki import renewal
        from workers.system.pki.errors import CertificateError

        self.authority, self.mine = renewal.authority_of(settings.STATE_DIR), renewal.host_of(settings.STATE_DIR)
        self.host = options["host"]
        try:
            getattr(self, f"_{options['action']}")()
        except CertificateError as error:
            raise CommandError(str(error)) from None

    def _ensure(self) -> None:
        from workers.system.pki import renewal

        self.authority.create()
        renewed = renewal.renew(settings.STATE_DIR, self.host)
        self.stdout.write(f"{self.host}: {'a new certificate' if renewed else 'the certificate is good'}")

    def _request(self) -> None:
        self.stdout.write(self.mine.request(self.host).decode())

    def _sign(self) -> None:
        self.stdout.write(self.authority.answer(sys.stdin.buffer.read(64 * 1024), self.host).decode())

    def _install(self) -> None:
        self.mine.take(sys.stdin.buffer.read(64 * 1024))
        self.stdout.write(f"{self.host}: the certificate is in place")

    def _list(self) -> None:
        now = datetime.now(UTC)
        ends = self.authority.issued()
        if life := self.mine.life():
            ends.setdefault(self.host, life[1])
        for host, end in sorted(ends.items()):
            self.stdout.write(f"{host:30} {end:%Y-%m-%d}  {(end - now).days} days left")
        if not ends:
            self.stdout.write("There are no certificates.")
