"""``manage.py audit``: the former name of ``consistency``, kept for one release."""

from typing import Any

from cloud.management.commands.consistency import Command as ConsistencyCommand


class Command(ConsistencyCommand):
    help = "The former name of `consistency`. It will be removed in the next release."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stderr.write("`audit` is now called `consistency`; this name will be removed in the next release.")
        super().handle(*args, **options)
