"""A domain's configuration on the wire: options by group, or one option alone."""

from typing import Any

from rest_framework import serializers


class DomainConfigSerializer(serializers.Serializer[Any]):
    """``{"config": {group: {option: value}}}``, or ``{"config": {option: value}}`` where the path names the option.

    Groups, options and values are validated together.
    """

    config = serializers.DictField()
