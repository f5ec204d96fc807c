"""The flavor of a new server, and the copy of it that the server keeps."""

from typing import Any

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest
from apps.compute.exceptions import FlavorNotFound
from apps.compute.models import Flavor
from apps.compute.selectors import flavors


def resolve(context: RequestContext, ref: str) -> Flavor:
    flavor_id = ref.rstrip("/").rsplit("/", 1)[-1]  # old clients send the flavor's URL
    try:
        flavor = flavors.get(context=context, flavor_id=flavor_id)
    except FlavorNotFound as error:
        raise BadRequest(f"Invalid input for field/attribute flavorRef: {error.message}") from error
    if flavor.disabled:
        raise BadRequest(f"Invalid input for field/attribute flavorRef: flavor {flavor_id} is disabled.")
    return flavor


def snapshot(flavor: Flavor) -> dict[str, Any]:
    """Return the copy of a flavor that a server keeps, in the API's own words."""
    return {
        "id": flavor.flavor_id,
        "original_name": flavor.name,
        "vcpus": flavor.vcpus,
        "ram": flavor.ram_mib,
        "disk": flavor.disk_gib,
        "ephemeral": flavor.ephemeral_gib,
        "swap": flavor.swap_mib,
        "extra_specs": flavor.extra_specs,
    }
