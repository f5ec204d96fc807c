"""``manage.py admin_password``: set the administrator's password, from the environment or the terminal.

celerity.env contains the former password, so it is not read from there.
"""

import getpass
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.common.exceptions import BadRequest
from apps.identity.services import bootstrap


class Command(BaseCommand):
    help = (
        "Set the password of the user admin and restore its roles. Give the password as CELERITY_ADMIN_PASSWORD before "
        "the command, as a line of standard input, or at the prompt."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        password = settings.GIVEN_ADMIN_PASSWORD or self._ask()
        try:
            bootstrap.recover_admin(password=password)
        except BadRequest as error:
            raise CommandError(error.message) from None
        self.stdout.write("the password of admin is changed; its tokens and sessions are ended")

    def _ask(self) -> str:
        if not sys.stdin.isatty():
            password = sys.stdin.readline().rstrip("\n")
            if not password:
                raise CommandError("no password was given; nothing is changed")
            return password
        password = getpass.getpass("New password: ")
        if not password or password != getpass.getpass("Once more: "):
            raise CommandError("the passwords are empty or differ; nothing is changed")
        return password
