"""Requests for shares of servers."""

from rest_framework import serializers

from apps.common.api.serializers import Pattern, StrictSerializer


class Share(StrictSerializer):
    share_id = serializers.UUIDField()
    tag = Pattern(r"^[a-zA-Z0-9-]*\Z", required=False, min_length=1, max_length=255)
