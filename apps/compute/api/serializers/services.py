"""Compute services: what a client may send, and what it gets back, by microversion."""

from typing import Any

from rest_framework import serializers

from apps.common import microversions
from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text
from apps.common.microversions import Version, since
from apps.compute.api import documents
from apps.compute.selectors.services import BINARY, INTERNAL_ZONE, SCHEDULER_BINARY

FIELDS = {"forced_down": since("2.11")}
UUIDS = since("2.53")


class ServiceName(StrictSerializer):
    """PUT /os-services/enable and disable, below 2.53."""

    host = Text(min_length=1, max_length=255)
    binary = Text(min_length=1, max_length=255)


class ServiceReason(ServiceName):
    """PUT /os-services/disable-log-reason, below 2.53."""

    disabled_reason = Text(min_length=1, max_length=255)


class ServiceForcedDown(ServiceName):
    """PUT /os-services/force-down, 2.11 to 2.52."""

    forced_down = LooseBoolean()


class ServiceUpdate(StrictSerializer):
    """PUT /os-services/{id} from 2.53 on."""

    status = serializers.ChoiceField(["enabled", "disabled"], required=False)
    disabled_reason = Text(min_length=1, max_length=255, required=False)
    forced_down = LooseBoolean(required=False)


def full(host: Any, version: Version) -> dict[str, Any]:
    document = {
        "id": str(host.id) if version in UUIDS else host.number,
        "binary": BINARY,
        "host": host.name,
        "zone": host.zone,
        "status": "enabled" if host.enabled else "disabled",
        "state": "up" if host.is_up else "down",
        "updated_at": documents.time(host.heartbeat_at),
        "disabled_reason": host.disabled_reason or None,
        "forced_down": host.forced_down,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))


def scheduler(machine: Any, version: Version) -> dict[str, Any]:
    """Return the service of a machine's schedulers: it cannot be disabled or forced down."""
    document = {
        "id": str(machine.id) if version in UUIDS else machine.number,
        "binary": SCHEDULER_BINARY,
        "host": machine.host,
        "zone": INTERNAL_ZONE,
        "status": "enabled",
        "state": "up" if machine.is_up else "down",
        "updated_at": documents.time(machine.heartbeat_at),
        "disabled_reason": None,
        "forced_down": False,
    }
    return microversions.without(document, microversions.hidden(FIELDS, version))
