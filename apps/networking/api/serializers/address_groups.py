"""Address groups on the wire."""

from rest_framework import serializers

from apps.common.api.serializers import StrictSerializer, Text
from apps.networking.api.serializers.base import OwnedSerializer, ResourceSerializer
from apps.networking.services.address_groups import MAX_ADDRESSES


class AddressGroupUpdate(ResourceSerializer):
    """Changes of an address group."""


class AddressGroupCreate(OwnedSerializer):
    """A new address group."""

    addresses = serializers.ListField(child=Text(max_length=64), required=False, max_length=2 * MAX_ADDRESSES)


class Addresses(StrictSerializer):
    """Ranges to add to a group's, or to take away."""

    addresses = serializers.ListField(child=Text(max_length=64), min_length=1, max_length=2 * MAX_ADDRESSES)
