"""What the guest of a new server finds: its host name, key, password and config drive."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute import admin_passwords
from apps.compute.exceptions import KeyPairNotFound
from apps.compute.selectors import keypairs


def key_columns(context: RequestContext, name: str | None) -> dict[str, Any]:
    """Return what the server's row keeps of its key pair. Raises BadRequest (400)."""
    if name is None:
        return {}
    try:
        key = keypairs.get(user_id=str(context.user_id), name=name)
    except KeyPairNotFound as error:
        raise BadRequest(f"Invalid key_name provided. {error.message}") from error
    return {"key_name": key.name, "public_key": key.public_key}


def has_config_drive(wanted: bool | None, properties: dict[str, str]) -> bool:
    """Return whether the request, the settings or the image ask for a config drive."""
    return bool(wanted) or settings.FORCE_CONFIG_DRIVE or properties.get("img_config_drive") == "mandatory"


def password(given: str | None) -> str:
    """Return the administrator's password: the given one, or a new one if the answer shows it."""
    return given or (admin_passwords.generate() if settings.ENABLE_INSTANCE_PASSWORD else "")


def hostname_of(row: Mapping[str, Any]) -> str:
    """Return the host name of a server with these columns."""
    return row.get("hostname") or default_hostname(row["name"])


def default_hostname(name: str) -> str:
    """Return a host name made of a server's name (nova/utils.py, sanitize_hostname): a label of at most 63."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c == "-") else "-" if c in " _." else "" for c in name)
    return kept.lower().strip("-")[:63].rstrip("-") or "server"
