"""A project's limits and usage in the words of os-quota-sets and limits."""

from collections.abc import Mapping

from apps.common.exceptions import BadRequest
from apps.identity.selectors import projects
from apps.quotas.selectors import limits, usages

RESOURCES = (
    "cores",
    "instances",
    "ram",
    "key_pairs",
    "metadata_items",
    "injected_files",
    "injected_file_content_bytes",
    "injected_file_path_bytes",
    "server_groups",
    "server_group_members",
)
# The network service counts these; compute has shown them, unlimited, since it has had a network service.
NETWORK_RESOURCES = ("fixed_ips", "floating_ips", "security_groups", "security_group_rules")
UNLIMITED = -1
MAX_CLASS_NAME = 58
# Counted per server, per user or per group: a project has no usage of them (nova/quota.py).
_NOT_OF_A_PROJECT = ("key_pairs", "metadata_items", "server_group_members")


def check_project(project_id: str) -> None:
    """Raise BadRequest (400) when there is no such project."""
    if projects.find(project_id) is None:
        raise BadRequest(f"Project ID {project_id[:64]} is not a valid project.")


def of_project(*, project_id: str) -> dict[str, int]:
    return _of(project_id)


def defaults() -> dict[str, int]:
    return _of(limits.DEFAULT_OWNER)


def owner_of_class(name: str) -> str:
    """Return whose limits a quota class is. Raises BadRequest (400) for a name that is too long."""
    if name == limits.DEFAULT_OWNER:
        return name
    if len(name) > MAX_CLASS_NAME:
        raise BadRequest(f"The name of a quota class has at most {MAX_CLASS_NAME} characters.")
    return f"class:{name}"


def of_class(name: str) -> dict[str, int]:
    """Return a quota class's limits: its own, else the defaults."""
    return _of(owner_of_class(name))


def _of(owner_id: str) -> dict[str, int]:
    """Return the limits of an owner in the order of the document. 1 query."""
    known = limits.known()
    defaults = {name: known.get(name, UNLIMITED) for name in (*RESOURCES, *NETWORK_RESOURCES)}
    return limits.among(owner_id=owner_id, defaults=defaults)


def detail(*, project_id: str) -> dict[str, dict[str, int]]:
    """Return resource -> limit, in use and reserved. 2 queries."""
    used = usages.of_owner(owner_id=project_id)
    return {name: {"limit": value, **_used(name, used)} for name, value in of_project(project_id=project_id).items()}


def _used(name: str, used: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    in_use, reserved = (0, 0) if name in _NOT_OF_A_PROJECT else used.get(name, (0, 0))
    return {"in_use": in_use, "reserved": reserved}


def usage(*, project_id: str, reserved_too: bool) -> dict[str, int]:
    """Return resource -> the project's usage, with or without reservations of active builds."""
    rows = usages.of_owner(owner_id=project_id)
    return {name: in_use + (reserved if reserved_too else 0) for name, (in_use, reserved) in rows.items()}
