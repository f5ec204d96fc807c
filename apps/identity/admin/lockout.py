"""Refuses changes that would leave the system without an administrator, or lock out the operator who makes them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from apps.common.admin import Operator
from apps.identity import locks
from apps.identity.exceptions import Forbidden
from apps.identity.selectors import administrators


@contextmanager
def refused(operator: Operator) -> Iterator[None]:
    """Undo the block and raise Forbidden (403) if ``operator`` is no administrator after it, or there is none left.

    One at a time: of two administrators who take each other's power away at once, the second is refused.
    """
    own = str(operator.context.user_id)
    with transaction.atomic():
        locks.administrators()
        yield
        if not administrators.exist():
            raise Forbidden("This is the last enabled administrator of the system. Create another one first.")
        if not administrators.exist(user_id=own):
            raise Forbidden("This is your own account; the change would lock you out. Ask another administrator.")
