"""Members: the projects an image is shared with."""

from django.db import models
from django.utils import timezone

from apps.images import states
from apps.images.models.images import Image


class Member(models.Model):
    """``member_id`` is a project's id. A member lists the image once it has accepted it; it may use it before."""

    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="members", db_index=False)
    member_id = models.CharField(max_length=64, db_index=True)
    status = models.CharField(max_length=16, default=states.PENDING)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["image", "member_id"], name="image_member_once")]

    def __str__(self) -> str:
        return f"{self.member_id} on {self.image_id}"
