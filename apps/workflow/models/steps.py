"""Step: one attempt of one step of a run, with the time it waited and the time it worked.

Its row begins with the claim, and ``result`` says how it ended:

    "" (running) ──▶ success     finished
                 ├─▶ retry       failed; after the revert another attempt follows
                 ├─▶ error       failed; none follows
                 ├─▶ lost        its worker died, or its deadline passed: the sweeper took it away
                 └─▶ cancelled   its subject was deleted or reset

A revert has rows as well, ``direction`` "revert": one for each host that has something to undo.
"""

from datetime import datetime

from django.db import models

from apps.workflow import states
from apps.workflow.models.runs import Run


class Step(models.Model):
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=64)
    direction = models.CharField(max_length=16, default=states.EXECUTE)
    attempt = models.PositiveSmallIntegerField(default=1)
    token = models.PositiveIntegerField(default=1)
    queue = models.CharField(max_length=255)
    host = models.CharField(max_length=255, blank=True)
    worker = models.CharField(max_length=255, blank=True)
    enqueued_at = models.DateTimeField()
    waiting_since = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=16, blank=True, choices=states.RESULTS)
    error_message = models.TextField(blank=True)
    error_details = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["queue", "-enqueued_at"], name="step_by_queue"),
            models.Index(fields=["run", "started_at"], name="step_by_run"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.result or 'running'})"

    @property
    def since(self) -> datetime:
        """When it was sent first: ``enqueued_at`` is of the message that arrived."""
        return self.waiting_since or self.enqueued_at
