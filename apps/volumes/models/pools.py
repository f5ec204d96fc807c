"""Pool: what a host's agent says of a back end."""

from django.db import models
from django.utils import timezone


class Pool(models.Model):
    """The file system of ``host``'s back end, in GiB; ``reserve_gib`` of it stay free. ``shared``: all hosts see one.

    A back end without a pool's row is not on that host, or was not reported yet.
    """

    host = models.CharField(max_length=255)
    backend = models.CharField(max_length=64)
    shared = models.BooleanField(default=False)
    total_gib = models.PositiveIntegerField()
    free_gib = models.PositiveIntegerField()
    reserve_gib = models.PositiveIntegerField(default=0)
    reported_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "backend"], name="pool_once_a_host")]

    def __str__(self) -> str:
        return f"{self.host}@{self.backend}"
