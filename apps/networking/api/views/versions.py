"""Discovery of the network service (no token needed), and the extensions that work here."""

from typing import Any

from rest_framework.request import Request

from apps.common.api.collections import Collection
from apps.common.api.views import Response, ServiceView
from apps.networking.exceptions import ExtensionNotFound

# alias -> (name, description). Only working extensions are announced.
EXTENSIONS = {
    "agent": ("agent", "The hosts' network agents, for administrators"),
    "availability_zone": ("Availability Zone", "The zones of the hosts"),
    "address-group": ("Address group", "Named sets of ranges for rules of security groups"),
    "address-scope": ("Address scope", "No two subnet pools of a scope share an address"),
    "binding": ("Port Binding", "Where a port is bound, for administrators"),
    "default-subnetpools": ("Default Subnetpools", "A pool for subnets that ask for one and name none"),
    "external-net": ("Neutron external network", "Adds external network attribute to network resource"),
    "extra_dhcp_opt": ("Neutron Extra DHCP options", "DHCP options of a port's own"),
    "ip-substring-filtering": ("IP address substring filtering", "Ports are found by a part of an address"),
    "network-ip-availability": ("Network IP Availability", "How many addresses of a network are used"),
    "net-mtu": ("Network MTU", "Provides MTU attribute for a network resource"),
    "net-mtu-writable": ("Network MTU (writable)", "Provides a writable MTU attribute for a network resource"),
    "pagination": ("Pagination support", "Lists come in pages with limit and marker"),
    "project-id": ("project_id field enabled", "Resources show project_id beside tenant_id"),
    "provider": ("Provider Network", "Shows how a network is realised, for administrators"),
    "quota_details": ("Quota details management support", "Shows limits beside what a project has"),
    "quotas": ("Quota management support", "Shows and sets how many resources a project may have"),
    "rbac-address-group": ("Add address_group type to RBAC", "Address groups of other projects"),
    "rbac-address-scope": ("Add address_scope type to RBAC", "Address scopes of other projects"),
    "rbac-policies": ("RBAC Policies", "Projects let others use their networks and other resources"),
    "rbac-security-groups": ("Add security_group type to network RBAC", "Security groups of other projects"),
    "rbac-subnetpool": ("Add subnetpool type to RBAC", "Subnet pools of other projects"),
    "revision-if-match": ("If-Match constraints based on revision_number", "Changes of a certain revision, else 412"),
    "service-type": ("Neutron Service Type Management", "What realises routers"),
    "security-groups-remote-address-group": (
        "Add remote_address_group_id to security group rules",
        "Rules for the ranges of an address group",
    ),
    "security-group": ("security-group", "Groups of rules that say what reaches ports"),
    "sorting": ("Sorting support", "Lists are sorted by sort_key and sort_dir"),
    "standard-attr-description": ("standard-attr-description", "Every resource has a description"),
    "standard-attr-revisions": ("Resource revision numbers", "Every resource counts its changes"),
    "standard-attr-tag": ("Tag support for resources with standard attributes", "Any resource has tags"),
    "standard-attr-timestamp": ("Resource timestamps", "Every resource has created_at and updated_at"),
    "subnet_allocation": ("Subnet Allocation", "Subnets get their ranges of subnet pools"),
    "subnet_onboard": ("Subnet Onboard", "A pool takes the subnets of a network in"),
    "subnetpool-prefix-ops": ("Subnet Pool Prefix Operations", "Several requests at once lose no prefix of a pool"),
    "dns-domain-ports": ("dns_domain for ports", "Ports have a DNS domain"),
    "dns-integration": (
        "DNS Integration",
        "Names of ports, answered inside their network",
    ),
    "allowed-address-pairs": ("Allowed Address Pairs", "Addresses that a guest may use besides its port's"),
    "auto-allocated-topology": ("Auto Allocated Topology Services", "A network with a router for who has none"),
    "ext-gw-mode": ("Neutron L3 Configurable external gateway mode", "Routers with and without SNAT"),
    "extraroute": ("Neutron Extra Route", "Extra routes of routers"),
    "extraroute-atomic": ("Atomically add/remove extra routes", "Several requests at once lose no route"),
    "expose-port-forwarding-in-fip": (
        "Expose Floating IP port forwardings",
        "Floating IPs show their forwardings",
    ),
    "fip-port-details": ("Floating IP Port Details Extension", "Floating IPs show the port that they lead to"),
    "floating-ip-port-forwarding": ("Floating IP Port Forwarding", "Ports of a floating IP lead to ports of servers"),
    "floating-ip-port-forwarding-description": (
        "Floating IP Port Forwarding new attribute description",
        "Port forwardings have a description",
    ),
    "floating-ip-port-forwarding-detail": (
        "Floating IP port forwarding detail",
        "Floating IPs show the ids of their port forwardings and of the ports that they lead to",
    ),
    "floating-ip-port-forwarding-port-ranges": (
        "Floating IP Port Forwarding support port ranges",
        "A port forwarding leads from a range of ports",
    ),
    "qos": ("Quality of Service", "Policies limit and mark traffic of networks and ports"),
    "qos-bw-limit-direction": (
        "Direction for QoS bandwidth limit rule",
        "Limits of either direction",
    ),
    "qos-default": ("QoS default policy", "A project's new networks get its default policy"),
    "qos-fip": ("Floating IP QoS", "Floating IPs have a policy"),
    "qos-fip-network-policy": ("QoS floating IP network policy", "Floating IPs show their network's policy"),
    "qos-gateway-ip": ("Router gateway IP QoS", "Gateways of routers have a policy"),
    "qos-port-network-policy": ("QoS port network policy", "Ports show their network's policy"),
    "qos-rule-type-details": ("Details of QoS rule types", "The parameters of rules, for administrators"),
    "qos-rule-type-filter": ("QoS rule type filter", "all_rules=True lists all types that Neutron knows"),
    "qos-rules-alias": ("Quality of Service rules alias API", "Rules by their own ids"),
    "port-security": ("Port Security", "Ports without filters"),
    "router": ("Neutron L3 Router", "Routers between networks, and floating IPs"),
    "trunk": ("Trunk Extension", "Ports that carry those of other networks in VLANs"),
    "trunk-details": ("Trunk port details", "A trunk's parent port shows the trunk"),
}
UPDATED = "2026-01-01T00:00:00-00:00"


class Versions(ServiceView):
    """The one version."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        link = {"rel": "self", "href": request.build_absolute_uri("/network/v2.0/")}
        return Response({"versions": [{"id": "v2.0", "status": "CURRENT", "links": [link]}]})


class Resources(ServiceView):
    """The collections of version 2.0."""

    authentication_classes = []
    permission_classes = []

    def get(self, request: Request) -> Response:
        nouns = {
            "network": "networks",
            "subnet": "subnets",
            "subnetpool": "subnetpools",
            "address_scope": "address-scopes",
            "address_group": "address-groups",
            "rbac_policy": "rbac-policies",
            "port": "ports",
            "router": "routers",
            "floatingip": "floatingips",
            "security_group": "security-groups",
            "security_group_rule": "security-group-rules",
            "quota": "quotas",
            "extension": "extensions",
        }
        return Response(
            {
                "resources": [
                    {
                        "name": noun,
                        "collection": collection,
                        "links": [
                            {"rel": "self", "href": request.build_absolute_uri(f"/network/v2.0/{collection}")},
                        ],
                    }
                    for noun, collection in nouns.items()
                ]
            }
        )


def _extension(alias: str) -> dict[str, Any]:
    name, description = EXTENSIONS[alias]
    return {"alias": alias, "name": name, "description": description, "updated": UPDATED, "links": []}


class Extensions(Collection):
    """All extensions that work."""

    plural, listing = "extensions", None

    def permit(self, action: str, row: Any = None) -> None:
        """Everybody with a token may read what the API has."""

    def rows(self) -> list[str]:
        return sorted(EXTENSIONS)

    def render(self, row: str) -> dict[str, Any]:
        return _extension(row)


class ExtensionItem(ServiceView):
    """One extension, or the 404 by which clients learn that it is missing."""

    def get(self, request: Request, alias: str) -> Response:
        if alias not in EXTENSIONS:
            raise ExtensionNotFound(id=alias[:64])
        return Response({"extension": _extension(alias)})
