"""Networks and subnets can be created and changed as through the API; addresses, ports and rules are read-only."""

from apps.networking.admin import networks, ports, security_groups, subnets

__all__ = ["networks", "ports", "security_groups", "subnets"]
