"""Bodies of server actions: the schema of each (OpenAPI 3.0), and the service's arguments that are made of it.

``description`` completes the sentence "it must be …" where a value is refused.
"""

from collections.abc import Mapping
from typing import Any

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


def as_given(body: Any) -> dict[str, Any]:
    return dict(body)


def network(body: Any) -> dict[str, Any]:
    return {"network_id": str(body["networkId"])}


def hard(body: Any) -> dict[str, Any]:
    return {"hard": body["type"].upper() == "HARD"}


def reason(body: Any) -> dict[str, Any]:
    return {"reason": (body or {}).get("locked_reason")}


def lines(body: Any) -> dict[str, Any]:
    length = (body or {}).get("length")
    return {"lines": None if length is None or int(length) == -1 else min(int(length), MAX_CONSOLE_LINES)}
