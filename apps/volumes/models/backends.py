"""DisabledBackend: a host's back end that gets no new volumes, or its backup service, as an operator said."""

from django.db import models
from django.utils import timezone


class DisabledBackend(models.Model):
    """``host`` is the host's name. A back end without a row is enabled. A row without a back end is the backup
    service's: the host makes no new backups, and restores none.
    """

    host = models.CharField(max_length=255)
    backend = models.CharField(max_length=64)
    reason = models.CharField(max_length=255, blank=True, default="")
    disabled_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "backend"], name="disabled_backend_once")]

    def __str__(self) -> str:
        return f"{self.host}@{self.backend}"
