"""Rows of the network service."""

from apps.networking.models.address_groups import AddressGroup
from apps.networking.models.address_scopes import AddressScope
from apps.networking.models.agents import AgentNote
from apps.networking.models.cloud_properties import CloudProperty
from apps.networking.models.floating_ips import FloatingIP
from apps.networking.models.networks import Network
from apps.networking.models.port_forwardings import PortForwarding
from apps.networking.models.ports import FixedIP, Port, PortSecurityGroup
from apps.networking.models.qos import QosPolicy, QosRule
from apps.networking.models.rbac_policies import RbacPolicy
from apps.networking.models.routers import Router, RouterInterface
from apps.networking.models.security_group_rules import SecurityGroupRule
from apps.networking.models.security_groups import SecurityGroup
from apps.networking.models.subnetpools import SubnetPool
from apps.networking.models.subnets import Subnet
from apps.networking.models.trunks import SubPort, Trunk

__all__ = [
    "AddressGroup",
    "AddressScope",
    "AgentNote",
    "CloudProperty",
    "FixedIP",
    "FloatingIP",
    "Network",
    "Port",
    "PortForwarding",
    "PortSecurityGroup",
    "QosPolicy",
    "QosRule",
    "RbacPolicy",
    "Router",
    "RouterInterface",
    "SecurityGroup",
    "SecurityGroupRule",
    "SubPort",
    "Subnet",
    "SubnetPool",
    "Trunk",
]
