"""QoS policies and rules on the wire."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer
from apps.networking import states
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer

LARGEST = 2**31 - 1


class QosPolicyUpdate(ResourceSerializer):
    """Changes of a policy."""

    shared = serializers.BooleanField(required=False)
    is_default = serializers.BooleanField(required=False)


class QosPolicyCreate(QosPolicyUpdate, OwnedSerializer):
    """A new policy."""


class BandwidthLimitUpdate(StrictSerializer):
    """Changes of a limit: kbit/s, and kbit for the burst, of which 0 leaves it to the engine."""

    max_kbps = serializers.IntegerField(min_value=1, max_value=LARGEST, required=False)
    max_burst_kbps = serializers.IntegerField(min_value=0, max_value=LARGEST, required=False)
    direction = serializers.ChoiceField(list(states.DIRECTIONS), required=False)


class AloneBandwidthLimitUpdate(BandwidthLimitUpdate):
    """The same by the rule's id alone."""


class BandwidthLimitCreate(BandwidthLimitUpdate):
    """A new limit, by default of what guests send."""

    max_kbps = serializers.IntegerField(min_value=1, max_value=LARGEST)


class DscpMarkingUpdate(StrictSerializer):
    """Changes of a mark."""

    dscp_mark = serializers.ChoiceField(list(states.DSCP_MARKS), required=False)


class AloneDscpMarkingUpdate(DscpMarkingUpdate):
    """The same by the rule's id alone."""


class DscpMarkingCreate(DscpMarkingUpdate):
    """A new mark of what guests send."""

    dscp_mark = serializers.ChoiceField(list(states.DSCP_MARKS))
