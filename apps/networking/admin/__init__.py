"""Networks, subnets and their pools are created and changed as through the API; addresses and rules are read-only."""

from apps.networking.admin import networks, ports, security_groups, subnetpools, subnets

__all__ = ["networks", "ports", "security_groups", "subnetpools", "subnets"]
