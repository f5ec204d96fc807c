"""Whether a host that a server is on suits another image."""

from collections.abc import Mapping

from apps.scheduling.candidates import sql, strategy
from apps.scheduling.filters.image_properties import ImagePropertiesFilter
from apps.scheduling.filters.traits import TraitsFilter
from apps.scheduling.specs import RequestSpec

_FILTERS = (ImagePropertiesFilter(), TraitsFilter())


def shortfall(*, host: str, image_properties: Mapping[str, str]) -> str:
    """Return what the host lacks for an image, as a predicate ("lacks …"); "" for nothing. 1 query."""
    spec = RequestSpec(vcpus=0, ram_mib=0, disk_gib=0, image_properties=image_properties)
    for state in strategy.states(sql.ONE, {"name": host})[1]:
        for item in _FILTERS:
            if item.applies(spec) and not item.passes(state, spec):
                return item.shortfall(state, spec)
    return ""
