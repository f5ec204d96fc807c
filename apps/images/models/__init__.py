"""Rows of the image service."""

from apps.images.models.images import Image
from apps.images.models.members import Member
from apps.images.models.metadefs import Association, Definition, Namespace

__all__ = ["Association", "Definition", "Image", "Member", "Namespace"]
