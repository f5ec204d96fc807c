"""Floating IPs as Nova's proxy takes them."""

from apps.common.api.serializers import StrictSerializer, Text


class FloatingIpOfNova(StrictSerializer):
    """A new floating IP of a pool, which is an external network; null is the default one."""

    pool = Text(max_length=255, required=False, allow_null=True)
