"""The flows that a security group's rules cost a host, and the budget that refuses what would wedge it.

A host has flows for each distinct rule on each of its ports in the group. The network engine merges rules that differ
in their range alone, and rules that differ in a single port alone (`workers/drivers/network/ovn/matches.py`); what is
left are distinct rules.
"""

import uuid
from collections.abc import Iterable

from django.conf import settings

from apps.networking import exceptions
from apps.networking.sql import flow_budget as sql

FLOWS_OF_A_RULE = 2  # on each port: for new connections, and for those that it allowed before


def check(*, group_ids: Iterable[uuid.UUID]) -> None:
    """Raise FlowsExceeded (409) if one of the groups, as its rows now are, has more flows than a host may. 1 query.

    Call it inside the transaction that writes rules or members. All ports of a group may be on one host.
    """
    for group_id, rules, ports in sql.COSTS.fetch({"groups": list(group_ids)}):
        if (flows := FLOWS_OF_A_RULE * rules * ports) > settings.GROUP_FLOWS:
            raise exceptions.FlowsExceeded(
                id=group_id, rules=rules, ports=ports, flows=flows, budget=settings.GROUP_FLOWS
            )
