"""Rows of the image service."""

from apps.images.models.images import Image
from apps.images.models.members import Member

__all__ = ["Image", "Member"]
