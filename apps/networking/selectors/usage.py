"""How much a project has."""

from typing import Any

from apps.networking.models import Network, Port, SecurityGroup, SecurityGroupRule, Subnet


def of_project(*, project_id: str) -> dict[str, int]:
    """Return how many of each resource a project has. 5 queries."""
    counted: dict[str, Any] = {
        "network": Network,
        "subnet": Subnet,
        "port": Port,
        "security_group": SecurityGroup,
        "security_group_rule": SecurityGroupRule,
    }
    return {name: model.objects.filter(project_id=project_id).count() for name, model in counted.items()}
