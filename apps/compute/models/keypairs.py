"""KeyPair: a user's public key."""

from django.db import models
from django.utils import timezone


class KeyPair(models.Model):
    """The private half of a generated pair is shown once and never stored."""

    user_id = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=16, default="ssh")
    public_key = models.TextField()
    fingerprint = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user_id", "name"], name="one_keypair_per_name")]

    def __str__(self) -> str:
        return self.name
