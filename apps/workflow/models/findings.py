"""Finding: a difference that a reconciler saw, and its repair."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Finding(models.Model):
    """One difference has one open row: seen again, its ``last_seen_at`` and ``times`` grow.

    ``subject`` is an id or a name, ``found`` and ``done`` are for administrators. ``resolved_at`` is when it was
    repaired, or was not seen any more. Times are UTC.
    """

    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=255)
    host = models.CharField(max_length=255, blank=True)
    found = models.TextField()
    done = models.TextField(blank=True, help_text="Empty if no repair is possible, or if it failed.")
    first_seen_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    times = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-last_seen_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject", "host"], condition=Q(resolved_at=None), name="one_open_finding"
            )
        ]
        indexes = [
            models.Index(fields=["host", "kind"], condition=Q(resolved_at=None), name="finding_open"),
            models.Index(fields=["-last_seen_at", "-id"], name="finding_by_age"),
            models.Index(fields=["resolved_at"], condition=~Q(resolved_at=None), name="finding_resolved"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
