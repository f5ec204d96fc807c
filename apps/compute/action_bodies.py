"""Bodies of server actions: the schema of each (OpenAPI 3.0), and the service's arguments that are made of it.

``description`` completes the sentence "it must be …" where a value is refused.
"""

from collections.abc import Mapping
from typing import Any

from apps.compute import admin_passwords

Schema = Mapping[str, Any]
MAX_CONSOLE_LINES = 100_000

ANYTHING: Schema = {"nullable": True}
REBOOT: Schema = {
    "type": "object",
    "description": "an object with the key type",
    "required": ["type"],
    "properties": {
        "type": {
            "type": "string",
            "enum": ["SOFT", "HARD", "Soft", "Hard", "soft", "hard"],
            "description": "SOFT or HARD",
        }
    },
    "additionalProperties": False,
}
STATE: Schema = {
    "type": "object",
    "description": "an object with the key state",
    "required": ["state"],
    "properties": {"state": {"type": "string", "enum": ["active", "error"], "description": "active or error"}},
    "additionalProperties": False,
}
LOCK: Schema = {
    "type": "object",
    "nullable": True,
    "description": "null, or an object with locked_reason",
    "properties": {
        "locked_reason": {
            "type": "string",
            "nullable": True,
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[^\x00]*$",
            "description": "a text of 1 to 255 characters without NUL",
        }
    },
    "additionalProperties": False,
}
GROUP: Schema = {
    "type": "object",
    "description": "an object with the key name",
    "required": ["name"],
    "properties": {
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[^\x00]*[^\s\x00][^\x00]*$",
            "description": "a security group's name or id",
        }
    },
    "additionalProperties": False,
}
_ADDRESS: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "pattern": "^[0-9A-Fa-f:.]+$",
    "description": "an IP address",
}
REMOVED_ADDRESS: Schema = {
    "type": "object",
    "description": "an object with the key address",
    "required": ["address"],
    "properties": {"address": _ADDRESS},
    "additionalProperties": False,
}
NETWORK: Schema = {
    "type": "object",
    "description": "an object with the key networkId",
    "required": ["networkId"],
    "properties": {
        "networkId": {
            "oneOf": [{"type": "string", "minLength": 1, "maxLength": 255}, {"type": "integer"}],
            "description": "a network's id",
        }
    },
    "additionalProperties": False,
}
ADDED_ADDRESS: Schema = {
    **REMOVED_ADDRESS,
    "description": "an object with the keys address and perhaps fixed_address",
    "properties": {"address": _ADDRESS, "fixed_address": _ADDRESS},
}
CONSOLE: Schema = {
    "type": "object",
    "nullable": True,
    "description": "null, or an object with length",
    "properties": {
        "length": {
            "oneOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": "^(-1|[0-9]{1,9})$"}],
            "nullable": True,
            "description": "a whole number of lines; null or -1 for all",
        }
    },
}
_NAME: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 255,
    "pattern": r"^(?!\s)[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f]$(?!\n)",
    "description": "a text of 1 to 255 printable characters, without spaces at its ends",
}
_PROPERTIES: Schema = {
    "type": "object",
    "description": "an object of texts of at most 255 characters, with keys of letters, digits, spaces and - _ : .",
    "patternProperties": {
        "^[a-zA-Z0-9-_:. ]{1,255}$": {
            "type": "string",
            "maxLength": 255,
            "pattern": r"^[^\x00]*$",
            "description": "a text of at most 255 characters",
        }
    },
    "additionalProperties": False,
}
IMAGE: Schema = {
    "type": "object",
    "description": "an object with the keys name and perhaps metadata",
    "required": ["name"],
    "properties": {"name": _NAME, "metadata": _PROPERTIES},
    "additionalProperties": False,
}
BACKUP: Schema = {
    "type": "object",
    "description": "an object with the keys name, backup_type, rotation and perhaps metadata",
    "required": ["name", "backup_type", "rotation"],
    "properties": {
        "name": _NAME,
        "backup_type": {
            "type": "string",
            "maxLength": 255,
            "pattern": r"^[^\x00]*$",
            "description": "a text of at most 255 characters",
        },
        "rotation": {
            "oneOf": [
                {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
                {"type": "string", "pattern": "^[0-9]{1,9}$"},
            ],
            "description": "a whole number from 0 to 2147483647",
        },
        "metadata": _PROPERTIES,
    },
    "additionalProperties": False,
}
PASSWORD: Schema = {
    "type": "object",
    "description": "an object with the key adminPass",
    "required": ["adminPass"],
    "properties": {
        "adminPass": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": r"^[^\x00\n\r]*$(?!\n)",
            "description": "a text of 1 to 255 characters on one line",
        }
    },
    "additionalProperties": False,
}

_PASSWORD: Schema = {
    "type": "string",
    "maxLength": admin_passwords.MAX_LENGTH,
    "pattern": r"^[^\x00]*$",
    "description": f"a text of at most {admin_passwords.MAX_LENGTH} characters without NUL",
}
RESCUE: Schema = {
    "type": "object",
    "nullable": True,
    "description": "null, or an object with adminPass and rescue_image_ref",
    "properties": {
        "adminPass": _PASSWORD,
        "rescue_image_ref": {"type": "string", "minLength": 1, "maxLength": 255, "description": "an image's id"},
    },
    "additionalProperties": False,
}
# The view reads its fields with the serializer of servers: what a version lacks is refused there.
REBUILD: Schema = {
    "type": "object",
    "description": "an object with the key imageRef",
    "required": ["imageRef"],
    "properties": {"imageRef": {"type": "string", "minLength": 1, "maxLength": 512, "description": "an image's id"}},
}

MIGRATE: Schema = {
    "type": "object",
    "nullable": True,
    "description": "null, or an object with host",
    "properties": {
        "host": {
            "type": "string", "nullable": True, "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-._]*$(?!\n)",
            "description": "null, or a host's name",
        }
    },
    "additionalProperties": False,
}  # fmt: skip
RESIZE: Schema = {
    "type": "object",
    "description": "an object with the key flavorRef and perhaps OS-DCF:diskConfig",
    "required": ["flavorRef"],
    "properties": {
        "flavorRef": {
            "oneOf": [{"type": "string", "minLength": 1, "maxLength": 512}, {"type": "integer"}],
            "description": "a flavor's id",
        },
        "OS-DCF:diskConfig": {"type": "string", "enum": ["AUTO", "MANUAL"], "description": "AUTO or MANUAL"},
    },
    "additionalProperties": False,
}

UNSHELVE: Schema = {
    "type": "object",
    "nullable": True,
    "description": "null, or an object with availability_zone and host",
    "minProperties": 1,
    "properties": {
        "availability_zone": {
            "type": "string", "nullable": True, "minLength": 1, "maxLength": 255, "pattern": r"^[^\x00:]*$",
            "description": "null, or a zone's name",
        },
        "host": {
            "type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[a-zA-Z0-9-._]*$(?!\n)",
            "description": "a host's name",
        },
    },
    "additionalProperties": False,
}  # fmt: skip

UNSHELVE_TO_ZONE: Schema = {
    **UNSHELVE,
    "description": "null, or an object with availability_zone",
    "properties": {"availability_zone": {**UNSHELVE["properties"]["availability_zone"], "nullable": False}},
}


def as_given(body: Any) -> dict[str, Any]:
    return dict(body)


def network(body: Any) -> dict[str, Any]:
    return {"network_id": str(body["networkId"])}


def host(body: Any) -> dict[str, Any]:
    return {"host": (body or {}).get("host")}


def resize(body: Any) -> dict[str, Any]:
    return {"flavor_ref": str(body["flavorRef"]), "disk_config": body.get("OS-DCF:diskConfig")}


def unshelve(body: Any) -> dict[str, Any]:
    given = body or {}
    zone = {"zone": given["availability_zone"]} if "availability_zone" in given else {}
    return {"host": given.get("host"), **zone}


def rescue(body: Any) -> dict[str, Any]:
    given = body or {}
    return {"image_ref": given.get("rescue_image_ref"), "admin_password": given.get("adminPass")}


def hard(body: Any) -> dict[str, Any]:
    return {"hard": body["type"].upper() == "HARD"}


def reason(body: Any) -> dict[str, Any]:
    return {"reason": (body or {}).get("locked_reason")}


def lines(body: Any) -> dict[str, Any]:
    length = (body or {}).get("length")
    return {"lines": None if length is None or int(length) == -1 else min(int(length), MAX_CONSOLE_LINES)}


def image(body: Any) -> dict[str, Any]:
    return {"name": body["name"], "metadata": body.get("metadata") or {}}


def backup(body: Any) -> dict[str, Any]:
    return {**image(body), "backup_type": body["backup_type"], "rotation": int(body["rotation"])}


def password(body: Any) -> dict[str, Any]:
    return {"password": body["adminPass"]}
