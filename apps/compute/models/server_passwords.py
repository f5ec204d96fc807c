"""ServerPassword: the password that a guest made for itself and posted, encrypted by the guest."""

from django.db import models
from django.utils import timezone

from apps.compute.models.servers import Server


class ServerPassword(models.Model):
    """``value`` is as the guest posted it: usually encrypted with the public key of the server's key pair."""

    server = models.OneToOneField(Server, on_delete=models.CASCADE, primary_key=True, related_name="posted_password")
    value = models.TextField()
    posted_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"password of {self.server_id}"
