"""Images as documents."""

from typing import Any

from rest_framework import serializers

from apps.common.api.documents import seconds
from apps.images import states
from apps.images.models import Image


def render(image: Image) -> dict[str, Any]:
    """Return the document of an image. Attributes win over properties of the same name."""
    return {
        **image.properties,
        "id": str(image.id),
        "name": image.name,
        "owner": image.project_id,
        "status": image.status,
        "visibility": image.visibility,
        "protected": image.protected,
        "os_hidden": image.os_hidden,
        "checksum": image.checksum,
        "os_hash_algo": image.os_hash_algo,
        "os_hash_value": image.os_hash_value if image.os_hash_algo else None,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
        "tags": image.tags,
        "created_at": seconds(image.created_at),
        "updated_at": seconds(image.updated_at),
        "self": f"/v2/images/{image.id}",
        "file": f"/v2/images/{image.id}/file",
        "schema": "/v2/schemas/image",
    }


class ImageDocument(serializers.Serializer[Any]):
    """The fields of every image; properties are added beside these."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_null=True)
    owner = serializers.CharField()
    status = serializers.ChoiceField(states.STATUSES)
    visibility = serializers.ChoiceField(states.VISIBILITIES)
    size = serializers.IntegerField(allow_null=True, help_text="bytes")
    virtual_size = serializers.IntegerField(allow_null=True, help_text="bytes")
    disk_format = serializers.CharField(allow_null=True)
    container_format = serializers.CharField(allow_null=True)
    min_disk = serializers.IntegerField(help_text="GiB")
    min_ram = serializers.IntegerField(help_text="MiB")
    checksum = serializers.CharField(allow_null=True, help_text="MD5")
    os_hash_algo = serializers.CharField(allow_null=True)
    os_hash_value = serializers.CharField(allow_null=True)
    protected = serializers.BooleanField()
    os_hidden = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ImageList(serializers.Serializer[Any]):
    """A page of images."""

    images = ImageDocument(many=True)
    first = serializers.CharField()
    next = serializers.CharField(required=False)
    schema = serializers.CharField()
