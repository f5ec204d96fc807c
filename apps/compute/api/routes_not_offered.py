"""Routes of Nova that are not offered here, each with the feature's name; docs and README list the same features."""

from django.urls import URLPattern, path

from apps.common.microversions import since
from apps.compute.api.views.not_offered import BareMetalView, NotOfferedView

PROXIES = since("2.1", "2.35")

# route -> the rule that reading it asks for
BARE_METAL: dict[str, str] = {
    "os-baremetal-nodes": "list",
    "os-baremetal-nodes/<node_id>": "show",
    "os-baremetal-nodes/<node_id>/action": "",
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


NOT_OFFERED_ROUTES: list[URLPattern] = [
    *(path(text, BareMetalView.as_view(rule=rule, versions=PROXIES)) for text, rule in BARE_METAL.items()),
    *(path(text, NotOfferedView.as_view(what=what, removed=True)) for text, what in REMOVED.items()),
]
