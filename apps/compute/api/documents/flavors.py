"""Flavors as documents, by microversion."""

from typing import Any

from django.http import HttpRequest

from apps.common import microversions
from apps.common.microversions import Version, since
from apps.compute.api.documents import base
from apps.compute.models import Flavor

FIELDS = {
    "description": since("2.55"), "extra_specs": since("2.61"),
    "rxtx_factor": since("2.1", "2.101"), "OS-FLV-DISABLED:disabled": since("2.1", "2.101"),
}  # fmt: skip
SWAP_IS_A_NUMBER = since("2.75")


class Renderer:
    """``extra_specs``: whether the caller may see them at all."""

    def __init__(self, *, request: HttpRequest, version: Version, extra_specs: bool = True) -> None:
        self.links = base.Links(request).of
        self.hidden = set(microversions.hidden(FIELDS, version))
        if not extra_specs:
            self.hidden.add("extra_specs")
        self.swap_is_a_number = version in SWAP_IS_A_NUMBER

    def render_brief(self, flavor: Flavor) -> dict[str, Any]:
        document = {
            "id": flavor.flavor_id,
            "name": flavor.name,
            "description": flavor.description,
            "links": self.links("flavors", flavor.flavor_id),
        }
        return microversions.without(document, self.hidden)

    def render(self, flavor: Flavor) -> dict[str, Any]:
        document = {
            "id": flavor.flavor_id,
            "name": flavor.name,
            "ram": flavor.ram_mib,
            "disk": flavor.disk_gib,
            "vcpus": flavor.vcpus,
            "swap": flavor.swap_mib if self.swap_is_a_number or flavor.swap_mib else "",
            "rxtx_factor": flavor.rxtx_factor,
            "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gib,
            "OS-FLV-DISABLED:disabled": flavor.disabled,
            "os-flavor-access:is_public": flavor.is_public,
            "description": flavor.description,
            "extra_specs": flavor.extra_specs,
            "links": self.links("flavors", flavor.flavor_id),
        }
        return microversions.without(document, self.hidden)


def render_access(flavor: Flavor, project_id: str) -> dict[str, Any]:
    """Return one entry of a private flavor's list of projects."""
    return {"flavor_id": flavor.flavor_id, "tenant_id": project_id}
