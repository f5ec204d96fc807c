"""Run: one execution of a pipeline for one subject, or several.

States of a run (``state``):

                 first claim           last step finished
    queued ──────────────────▶ running ──────────────────▶ succeeded
      │                        ▲     │
      │           next attempt │     │ a step failed, a deadline passed, a host is down, an operator cancelled
      │                        │     ▼
      └──────────────────────▶ reverting ────────────────▶ failed, or cancelled (by an operator)
        deadline, cancel                no attempt follows

    queued, running, reverting ──────────────────────────▶ cancelled (its subject is deleted or reset)

Within queued, running and reverting, ``next_step`` is the step in turn ("revert" while reverting) and ``step_state``
says how far that is:

               claim, by token
    queued ──────────────────────▶ running
      ▲  ▲                            │
      │  └────────────────────────────┘ finished: the next step is queued; failed: the revert runs at once,
      │                                 or the step is queued again (behind the pivot)
      │
      └── sent again under token + 1: its message was lost, its worker died, its host went down, its delay is over

A worker claims, finishes and reverts only with the token that its message carries.
"""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.workflow import states


class Run(models.Model):
    """``os-instance-actions`` shows a server's runs.

    ``host`` is where the next step runs; ``hosts`` has the host of each role, where the pipeline has several. A run
    with several subjects has a row for each: one leads, the others (``leader_id``) keep other runs from their subjects,
    and end with it. ``failed_step`` and ``revert_from`` say what is being reverted.

    ``token`` goes up whenever the run is sent again or taken away from its worker: one whose token is
    old can neither claim nor finish. ``not_before`` delays a retry. Times are UTC.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.CharField(max_length=64)
    action = models.CharField(max_length=64, help_text="The name in os-instance-actions.")
    subject_type = models.CharField(max_length=32)
    subject_id = models.UUIDField()
    also = ArrayField(
        models.CharField(max_length=80), default=list, blank=True, help_text="Its further subjects: type:id."
    )
    leader_id = models.UUIDField(
        null=True, blank=True, help_text="In the row of a further subject: the run that works on it."
    )
    project_id = models.CharField(max_length=64, blank=True)
    user_id = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=64)
    params = models.JSONField(default=dict, blank=True)

    state = models.CharField(max_length=16, choices=states.CHOICES, default=states.QUEUED)
    next_step = models.CharField(max_length=64)
    step_state = models.CharField(max_length=16, default=states.STEP_QUEUED)
    queue = models.CharField(max_length=255)
    host = models.CharField(max_length=255, blank=True, help_text="The host of its next step.")
    hosts = models.JSONField(default=dict, blank=True, help_text="Host by role, if the pipeline uses several hosts.")
    attempt = models.PositiveSmallIntegerField(default=1)
    token = models.PositiveIntegerField(default=1)
    excluded_hosts = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    retrying = models.BooleanField(default=False, help_text="The run restarts after the revert.")
    failed_step = models.CharField(max_length=64, blank=True, help_text="The step that failed and is reverted.")
    revert_from = models.CharField(
        max_length=64, blank=True, help_text="The step at which the revert continues; empty for the failed step."
    )

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    enqueued_at = models.DateTimeField(default=timezone.now)
    waiting_since = models.DateTimeField(
        null=True, blank=True, help_text="When the step was first sent, if its message was lost and sent again."
    )
    not_before = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    step_started_at = models.DateTimeField(null=True, blank=True)
    step_deadline_at = models.DateTimeField(null=True, blank=True)
    deadline_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    error_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error_cause = models.CharField(max_length=64, blank=True)
    error_message = models.TextField(blank=True, help_text="Shown to the user.")
    error_details = models.TextField(blank=True, help_text="Shown to administrators.")
    explanation = models.JSONField(null=True, blank=True, help_text="Explains the scheduler's choice.")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_id", "subject_type"],
                condition=Q(state__in=states.ACTIVE),
                name="one_active_run_per_subject",
            )
        ]
        indexes = [
            models.Index(fields=["subject_id", "-created_at"], name="run_by_subject"),
            models.Index(fields=["enqueued_at"], condition=Q(state__in=states.ACTIVE), name="run_active"),
            models.Index(fields=["-created_at"], name="run_by_age"),
            models.Index(fields=["leader_id"], condition=~Q(leader_id=None), name="run_by_leader"),
        ]

    def __str__(self) -> str:
        return f"{self.pipeline} {self.subject_id} ({self.state})"

    @property
    def since(self) -> datetime:
        """Since when the next step waits, messages that were lost included."""
        return self.waiting_since or self.enqueued_at
