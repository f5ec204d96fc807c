"""The JSON schemas that Glance serves, which its clients build their models from."""

from typing import Any

from apps.images import attributes, states

_UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **more}


def _maybe(description: str, **more: Any) -> dict[str, Any]:
    return {"type": ["null", "string"], "description": description, **more}


IMAGE_PROPERTIES: dict[str, Any] = {
    "id": _text("An identifier for the image", pattern=_UUID),
    "name": _maybe("Descriptive name for the image", maxLength=255),
    "status": _text("Status of the image", enum=list(states.STATUSES)),
    "visibility": _text("Scope of image accessibility", enum=list(states.VISIBILITIES)),
    "protected": {"type": "boolean", "description": "If true, image will not be deletable."},
    "os_hidden": {"type": "boolean", "description": "If true, image will not appear in default image list response."},
    "checksum": _maybe("md5 hash of image contents.", maxLength=32),
    "os_hash_algo": _maybe("Algorithm to calculate the os_hash_value", maxLength=64),
    "os_hash_value": _maybe("Hexdigest of the image contents using the algorithm", maxLength=128),
    "owner": _maybe("Owner of the image", maxLength=255),
    "size": {"type": ["null", "integer"], "description": "Size of image file in bytes"},
    "virtual_size": {"type": ["null", "integer"], "description": "Virtual size of image in bytes"},
    "container_format": _maybe("Format of the container", enum=[None, *states.CONTAINER_FORMATS]),
    "disk_format": _maybe("Format of the disk", enum=[None, *states.DISK_FORMATS]),
    "created_at": _text("Date and time of image registration"),
    "updated_at": _text("Date and time of the last image modification"),
    "tags": {
        "type": "array",
        "description": "List of strings related to the image",
        "items": {"type": "string", "maxLength": 255},
    },
    "min_ram": {"type": "integer", "description": "Amount of ram (in MB) required to boot image."},
    "min_disk": {"type": "integer", "description": "Amount of disk space (in GB) required to boot image."},
    "self": _text("An image self url"),
    "file": _text("An image file url"),
    "schema": _text("An image schema url"),
}
for _name in attributes.READ_ONLY & set(IMAGE_PROPERTIES):
    IMAGE_PROPERTIES[_name]["readOnly"] = True

IMAGE: dict[str, Any] = {
    "name": "image",
    "properties": IMAGE_PROPERTIES,
    "additionalProperties": {"type": "string"},
    "links": [
        {"rel": "self", "href": "{self}"},
        {"rel": "enclosure", "href": "{file}"},
        {"rel": "describedby", "href": "{schema}"},
    ],
}
MEMBER: dict[str, Any] = {
    "name": "member",
    "properties": {
        "member_id": _text("An identifier for the image member (tenantId)"),
        "image_id": _text("An identifier for the image", pattern=_UUID),
        "created_at": _text("Date and time of image member creation"),
        "updated_at": _text("Date and time of last modification of image member"),
        "status": _text("The status of this image member", enum=list(states.MEMBER_STATUSES)),
        "schema": {"type": "string", "readOnly": True},
    },
}


def _list(name: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            "first": {"type": "string"},
            "next": {"type": "string"},
            "schema": {"type": "string"},
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


SCHEMAS: dict[str, dict[str, Any]] = {
    "image": IMAGE,
    "images": _list("images", IMAGE),
    "member": MEMBER,
    "members": {**_list("members", MEMBER), "links": [{"rel": "describedby", "href": "{schema}"}]},
}
