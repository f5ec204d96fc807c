"""DNS names and domains on the wire, by RFC 952 and RFC 1123; they are stored in lower case."""

import re
from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.common.api.serializers import Text

LONGEST = 255
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


class _NameField(Text):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{"max_length": LONGEST, "allow_blank": True, "trim_whitespace": False, "required": False, **kwargs}
        )

    def to_internal_value(self, data: Any) -> str:
        name: str = super().to_internal_value(data).lower()
        labels = name.removesuffix(".").split(".") if name else []
        if not all(map(_LABEL.match, labels)):
            raise serializers.ValidationError(
                f"'{name[:64]}' not a valid PQDN or FQDN. Reason: a label must be 1-63 characters long, each of which "
                "can only be alphanumeric or a hyphen, and not begin or end with a hyphen"
            )
        if len(labels) > 1 and labels[-1].isdigit():
            raise serializers.ValidationError(f"TLD '{labels[-1]}' must not be all numeric")
        return name


class DnsNameField(_NameField):
    """A port's name: relative, or in the cloud's domain with a dot at the end; the value is relative."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        domain = f".{settings.DNS_DOMAIN}."
        if name.endswith("."):
            if not name.endswith(domain) or name == domain[1:]:
                raise serializers.ValidationError(
                    "The dns_name passed is a FQDN. Its higher level labels must be equal to the dns_domain option, "
                    f"that has been set to '{domain[1:]}'"
                )
            name = name.removesuffix(domain)
        if len(name) + len(domain) > LONGEST:
            raise serializers.ValidationError(f"with '{domain}' it exceeds the maximum size of '{LONGEST}'")
        return name


class RelativeNameField(_NameField):
    """A floating IP's name."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name.endswith("."):
            raise serializers.ValidationError(f"'{name[:64]}' is a FQDN. It should be a relative domain name")
        return name


class DnsDomainField(_NameField):
    """A domain with a dot at the end, or none."""

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name and not name.endswith("."):
            raise serializers.ValidationError(f"'{name[:64]}' is not a FQDN")
        if len(name) > LONGEST - 64:
            raise serializers.ValidationError(f"with a name it exceeds the maximum length of '{LONGEST}'")
        return name
