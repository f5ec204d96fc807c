"""Finding the resource of a tag."""

import uuid

from apps.common.context import RequestContext
from apps.common.exceptions import NotFound
from apps.networking.models import (
    FloatingIP,
    Network,
    Port,
    QosPolicy,
    Router,
    SecurityGroup,
    Subnet,
    SubnetPool,
    Trunk,
)
from apps.networking.selectors import (
    floating_ips,
    networks,
    ports,
    qos_policies,
    routers,
    security_groups,
    subnetpools,
    subnets,
    trunks,
)

Tagged = Network | Subnet | SubnetPool | Port | Router | FloatingIP | SecurityGroup | QosPolicy | Trunk


def resource(*, context: RequestContext, collection: str, resource_id: uuid.UUID) -> Tagged:
    """Return a resource of a collection that the caller may see. Raises its NotFound (404)."""
    if collection == "networks":
        return networks.get(context=context, network_id=resource_id)
    if collection == "subnets":
        return subnets.get(context=context, subnet_id=resource_id)
    if collection == "subnetpools":
        return subnetpools.get(context=context, subnetpool_id=resource_id)
    if collection == "ports":
        return ports.get(context=context, port_id=resource_id)
    if collection == "routers":
        return routers.get(context=context, router_id=resource_id)
    if collection == "floatingips":
        return floating_ips.get(context=context, floating_ip_id=resource_id)
    if collection in ("security-groups", "security_groups"):
        return security_groups.get(context=context, group_id=resource_id)
    if collection == "policies":
        return qos_policies.get(context=context, policy_id=resource_id)
    if collection == "trunks":
        return trunks.get(context=context, trunk_id=resource_id)
    raise NotFound
