"""Requests and documents of compute services, by microversion."""

from rest_framework import serializers

from apps.common.api.serializers import LooseBoolean, StrictSerializer, Text


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
