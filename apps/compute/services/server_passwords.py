"""Passwords that guests post: once, until somebody clears them."""

import uuid

from django.db import IntegrityError, transaction

from apps.common.exceptions import BadRequest
from apps.compute.exceptions import PasswordPosted, ServerNotFound
from apps.compute.models import ServerPassword

MAX_LENGTH = 1020  # bytes, as Nova: four values of 255


def post(*, server_id: uuid.UUID, value: str) -> None:
    """Keep a guest's password. Raises BadRequest (400), PasswordPosted (409), ServerNotFound (404)."""
    if not value or len(value.encode()) > MAX_LENGTH or "\0" in value:
        raise BadRequest(f"A password has 1 to {MAX_LENGTH} bytes of text.")
    try:
        with transaction.atomic():
            ServerPassword.objects.create(server_id=server_id, value=value)
    except IntegrityError as error:
        if "foreign key" in str(error):
            raise ServerNotFound(server=server_id) from None
        raise PasswordPosted(server=server_id) from None


def clear(*, server_id: uuid.UUID) -> None:
    """Forget a server's password. Absent is success."""
    ServerPassword.objects.filter(server_id=server_id).delete()
