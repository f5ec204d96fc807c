"""Networks and subnets are made and changed as through the API; addresses, ports and rules are looked at."""

from apps.networking.admin import networks, ports, security_groups, subnets

__all__ = ["networks", "ports", "security_groups", "subnets"]
