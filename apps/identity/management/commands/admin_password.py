"""``manage.py admin_password``: a new password for the administrator, from the environment or asked for."""

import getpass
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.exceptions import BadRequest
from apps.identity.services import bootstrap


class Command(BaseCommand):
    help = "Set the password of admin (CELERITY_ADMIN_PASSWORD, else asked) and give it back its roles."

    def handle(self, *args: Any, **options: Any) -> None:
        password = os.environ.get("CELERITY_ADMIN_PASSWORD", "") or self._ask()
        try:
            bootstrap.recover_admin(password=password)
        except BadRequest as error:
            raise CommandError(error.message) from None
        self.stdout.write("the password of admin is changed; its tokens and sessions are ended")

    def _ask(self) -> str:
        password = getpass.getpass("New password: ")
        if not password or password != getpass.getpass("Once more: "):
            raise CommandError("the passwords are empty or differ; nothing is changed")
        return password
