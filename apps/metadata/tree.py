"""The tree of documents that a guest walks: OpenStack's and EC2's, in every version. Without Django.

A server's documents come as the API renders them (``documents.bundle``): this module finds what a path names, and
leaves out what the path's version did not have. Formats: OpenStack's "Metadata" user guide, Amazon's "Instance
metadata", and Nova's ``nova/api/metadata/base.py`` for what each version has.
"""

import base64
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LATEST = "latest"
OPENSTACK_VERSIONS = (
    "2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27",
    "2020-10-14",
)  # fmt: skip
EC2_VERSIONS = (
    "1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01",
    "2009-04-04",
)  # fmt: skip
TEXT, JSON = "text/plain; charset=UTF-8", "application/json"
PASSWORD, VENDOR_DATA_2 = "password", "vendor_data2.json"

# Documents and keys, by the version that brought them; those that are not named are as old as the tree.
_DOCUMENTS = {
    "meta_data.json": "2012-08-10",
    "user_data": "2012-08-10",
    PASSWORD: "2013-04-04",
    "vendor_data.json": "2013-10-17",
    "network_data.json": "2015-10-15",
    VENDOR_DATA_2: "2016-10-06",
}
_KEYS = {"random_seed": "2013-04-04", "project_id": "2015-10-15", "devices": "2016-06-30"}
_EC2_KEYS = {
    "local-hostname": "2007-01-19",
    "public-hostname": "2007-01-19",
    "public-ipv4": "2007-01-19",
    "instance-type": "2007-08-29",
    "block-device-mapping": "2007-12-15",
    "placement": "2008-02-01",
    "instance-action": "2008-09-01",
    "ipv6": "2009-04-04",
}
_NAME = "_name"  # of a part that a listing shows under another name, as EC2 does with keys


class NotFound(Exception):
    """The path names nothing."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a path names. ``name`` is set where the answer is not in the bundle: a password, a service's vendor data."""

    content: bytes = b""
    kind: str = TEXT
    name: str = ""


def find(bundle: Mapping[str, Any], path: str) -> Document:
    """Return what a decoded path names. A final slash makes no difference. Raises NotFound."""
    first, *rest = [part for part in posixpath.normpath(f"/{path}").split("/") if part] or [""]
    if first == "openstack":
        return _openstack(bundle, rest)
    parts = rest if first == "ec2" else [part for part in (first, *rest) if part]
    if not parts:
        return _listing([*EC2_VERSIONS, LATEST])
    return _ec2(bundle, parts[0], parts[1:])


def meta_data(bundle: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return meta_data.json as of a version."""
    return {key: value for key, value in bundle["meta_data"].items() if _had(_KEYS.get(key, ""), version)}


def ec2_meta_data(bundle: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return EC2's meta-data as of a version."""
    return {key: value for key, value in bundle["ec2"].items() if _had(_EC2_KEYS.get(key, ""), version)}


def user_data(bundle: Mapping[str, Any]) -> bytes:
    """Return the user data; empty for none."""
    return base64.b64decode(bundle.get("user_data", ""))


def _had(since: str, version: str) -> bool:
    return version == LATEST or version >= since


def _openstack(bundle: Mapping[str, Any], parts: list[str]) -> Document:
    if not parts:
        return _listing([*OPENSTACK_VERSIONS, LATEST])
    version, *names = parts
    if version == "content" and len(names) == 1 and names[0] in bundle.get("content", {}):
        return Document(base64.b64decode(bundle["content"][names[0]]), "application/octet-stream")
    if version not in (*OPENSTACK_VERSIONS, LATEST):
        raise NotFound
    present = [name for name, since in _DOCUMENTS.items() if _had(since, version)]
    if not bundle.get("user_data"):
        present.remove("user_data")
    if not names:
        return _listing(present)
    if len(names) != 1 or names[0] not in present:
        raise NotFound
    return _openstack_document(bundle, version, names[0])


def _openstack_document(bundle: Mapping[str, Any], version: str, name: str) -> Document:
    if name == "user_data":
        return Document(user_data(bundle))
    if name in (PASSWORD, VENDOR_DATA_2):
        return Document(name=name)
    content = meta_data(bundle, version) if name == "meta_data.json" else bundle[name.removesuffix(".json")]
    return Document(json.dumps(content).encode(), JSON)


def _ec2(bundle: Mapping[str, Any], version: str, parts: list[str]) -> Document:
    if version not in (*EC2_VERSIONS, LATEST):
        raise NotFound
    tree: Any = {"meta-data": ec2_meta_data(bundle, version)}
    if bundle.get("user_data"):
        tree["user-data"] = user_data(bundle)
    for part in parts:
        if not isinstance(tree, dict) or part not in tree or part == _NAME:
            raise NotFound
        tree = tree[part]
    if isinstance(tree, dict):
        return _listing([_shown(key, tree[key]) for key in sorted(tree) if key != _NAME])
    if isinstance(tree, list):
        return _listing(tree)
    return Document(tree if isinstance(tree, bytes) else str(tree).encode())


def _shown(key: str, value: Any) -> str:
    if not isinstance(value, dict):
        return key
    return str(value[_NAME]) if _NAME in value else f"{key}/"


def _listing(names: list[str]) -> Document:
    return Document("\n".join(names).encode())
