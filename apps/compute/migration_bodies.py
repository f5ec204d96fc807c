"""Bodies of actions that move a running server, by microversion."""

from typing import Any

from apps.compute.action_bodies import Schema

_HOST: Schema = {
    "type": "string",
    "nullable": True,
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[a-zA-Z0-9_.-]+$",
    "description": "a host's name or null",
}
_BOOLEANS = (True, False, "True", "False", "true", "false", "TRUE", "FALSE", "1", "0", "on", "off", "yes", "no")
_BOOLEAN: Schema = {"enum": list(_BOOLEANS), "description": "a boolean"}
_AUTO: Schema = {"enum": [*_BOOLEANS, "auto"], "description": "a boolean or 'auto'"}


def _migrate_live(*required: str, **more: Schema) -> Schema:
    properties = {"host": _HOST, **more}
    return {
        "type": "object",
        "description": f"an object with {', '.join(required)}",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }


# nova/api/openstack/compute/schemas/migrate_server.py
MIGRATE_LIVE_OLD = _migrate_live(
    "host", "block_migration", "disk_over_commit", block_migration=_BOOLEAN, disk_over_commit=_BOOLEAN
)
MIGRATE_LIVE = _migrate_live("host", "block_migration", block_migration=_AUTO)
MIGRATE_LIVE_FORCED = _migrate_live("host", "block_migration", block_migration=_AUTO, force=_BOOLEAN)
MIGRATE_LIVE_ANY = _migrate_live("host", block_migration=_AUTO, disk_over_commit=_BOOLEAN, force=_BOOLEAN)


def migrate_live(body: Any) -> dict[str, Any]:
    return {
        "host": body.get("host") or "", "block_migration": body["block_migration"], "force": _is(body, "force"),
    }  # fmt: skip


_PASSWORD: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^[^\x00]*$",
    "description": "a text of 1 to 255 characters without NUL",
}


def _evacuate(*required: str, **more: Schema) -> Schema:
    return {
        "type": "object",
        "description": f"an object with {', '.join(required) or 'host and adminPass'}",
        "required": list(required),
        "properties": {"host": {**_HOST, "nullable": False}, "adminPass": _PASSWORD, **more},
        "additionalProperties": False,
    }


# nova/api/openstack/compute/schemas/evacuate.py
EVACUATE_OLD = _evacuate("onSharedStorage", onSharedStorage=_BOOLEAN)
EVACUATE = _evacuate()
EVACUATE_FORCED = _evacuate(force=_BOOLEAN)


def evacuate(body: Any) -> dict[str, Any]:
    """``keeps_password``: the disks are those that the guest had (``onSharedStorage``, which only says so)."""
    given = {"host": body.get("host") or "", "admin_password": body.get("adminPass"), "force": _is(body, "force")}
    return {**given, **({"keeps_password": True} if _is(body, "onSharedStorage") else {})}


def _is(body: Any, name: str) -> bool:
    return str(body.get(name, "")).lower() in ("true", "1", "on", "yes")
