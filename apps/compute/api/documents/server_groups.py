"""Server groups as documents, by microversion."""

from collections.abc import Sequence
from typing import Any

from apps.common import microversions
from apps.common.microversions import Version, since
from apps.compute.models import ServerGroup

# Names of the body and of the document by version.
FIELDS = {
    "policies": since("2.1", "2.63"),
    "metadata": since("2.1", "2.63"),
    "policy": since("2.64"),
    "rules": since("2.64"),
    "project_id": since("2.13"),
    "user_id": since("2.13"),
}


def render(group: ServerGroup, *, members: Sequence[Any], version: Version) -> dict[str, Any]:
    """``members`` are ids of servers that are not deleted. ``metadata`` was always empty."""
    document = {
        "id": str(group.id),
        "name": group.name,
        "policies": [group.policy],
        "policy": group.policy,
        "rules": group.rules,
        "metadata": {},
        "members": [str(server_id) for server_id in members],
        "project_id": group.project_id,
        "user_id": group.user_id,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))
