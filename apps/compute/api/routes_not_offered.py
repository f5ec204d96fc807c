"""Routes of Nova that are not offered here, each with the feature's name; docs and README list the same features."""

from django.urls import URLPattern, path

from apps.common.microversions import Range, since
from apps.compute.api.views.not_offered import NotOfferedView

PROXIES = since("2.1", "2.35")
MIGRATION = "migration of servers"

# route -> (feature, the microversions that have it; None: all)
NOT_OFFERED: dict[str, tuple[str, Range | None]] = {
    "os-baremetal-nodes": ("bare metal nodes", PROXIES),
    "os-baremetal-nodes/<node_id>": ("bare metal nodes", PROXIES),
    "os-baremetal-nodes/<node_id>/action": ("bare metal nodes", PROXIES),
    "servers/<server_id>/migrations/<migration_id>/action": (MIGRATION, since("2.22")),
}
# Calls that Nova answers with 410 Gone.
REMOVED: dict[str, str] = {
    "os-agents": "guest agent builds",
    "os-agents/<agent_id>": "guest agent builds",
    "os-cells": "cells",
    "os-cells/capacities": "cells",
    "os-cells/detail": "cells",
    "os-cells/info": "cells",
    "os-cells/sync_instances": "cells",
    "os-cells/<cell_id>": "cells",
    "os-cells/<cell_id>/capacities": "cells",
    "os-certificates": "root certificates",
    "os-certificates/<certificate_id>": "root certificates",
    "os-cloudpipe": "cloudpipe servers",
    "os-cloudpipe/<cloudpipe_id>": "cloudpipe servers",
    "os-fixed-ips/<fixed_ip>": "fixed IP reservations",
    "os-fixed-ips/<fixed_ip>/action": "fixed IP reservations",
    "os-floating-ip-dns": "DNS domains of floating IPs",
    "os-floating-ip-dns/<domain>": "DNS domains of floating IPs",
    "os-floating-ip-dns/<domain>/entries/<name>": "DNS domains of floating IPs",
    "os-floating-ips-bulk": "bulk operations on floating IPs",
    "os-floating-ips-bulk/<host>": "bulk operations on floating IPs",
    "os-fping": "pings of servers",
    "os-fping/<server_id>": "pings of servers",
    "os-networks/<network_id>/action": "changes of networks by the compute API",
    "os-security-group-default-rules": "default rules of security groups",
    "os-security-group-default-rules/<rule_id>": "default rules of security groups",
    "servers/<server_id>/consoles": "Xen consoles",
    "servers/<server_id>/consoles/<console_id>": "Xen consoles",
    "servers/<server_id>/os-virtual-interfaces": "virtual interfaces",
}


def _route(text: str, what: str, versions: Range | None = None, *, removed: bool = False) -> URLPattern:
    return path(text, NotOfferedView.as_view(what=what, versions=versions, removed=removed))


NOT_OFFERED_ROUTES: list[URLPattern] = [
    *(_route(text, what, versions) for text, (what, versions) in NOT_OFFERED.items()),
    *(_route(text, what, removed=True) for text, what in REMOVED.items()),
]
