"""The states of runs and steps."""

QUEUED = "queued"
RUNNING = "running"
REVERTING = "reverting"
SUCCEEDED = "succeeded"
FAILED = "failed"
CANCELLED = "cancelled"

ACTIVE = (QUEUED, RUNNING, REVERTING)
FINISHED = (SUCCEEDED, FAILED, CANCELLED)
CHOICES = [(s, s) for s in (*ACTIVE, *FINISHED)]

BY_OPERATOR = "CancelledByOperator"  # the cause of a run that an operator cancelled
BY_ITSELF = "Unasked"  # the cause of a change that nobody asked for: a guest crashed, or its host paused it

# The state of a run's next step.
STEP_QUEUED = "queued"
STEP_RUNNING = "running"

# Results of one attempt of one step; "" while it runs.
SUCCESS = "success"
ERROR = "error"
RETRY = "retry"
LOST = "lost"
RESULTS = [("", "running"), *[(r, r) for r in (SUCCESS, ERROR, RETRY, LOST, CANCELLED)]]

# Words for conditions that are not filters, in the table that explains how a host was chosen.
CONDITIONS = {
    "named": "the requested host",
    "failed_before": "neither left nor tried before in this run",
    "fits": "up, enabled and with enough room",
    "up": "up and enabled",
    "backend_enabled": "a back end that takes new volumes",
    "backups_enabled": "a host that restores backups",
    "room": "enough room in the pool",
}

REVERT = "revert"  # the name of the step that undoes the others
EXECUTE = "execute"
SCHEDULER_QUEUE = "scheduler"
PERIODIC_QUEUE = "periodic"  # tasks of beat's timetable

# Roles of a run's hosts that apps name as well.
SOURCE = "source"
DESTINATION = "destination"


LONG = ".long"  # ends the name of a host's second queue


def host_queue(host: str, *, long: bool = False) -> str:
    """Return a queue that the agent of ``host`` reads: that of its steps, or of its long ones."""
    return f"host.{host}{LONG}" if long else f"host.{host}"


def host_queues(host: str) -> tuple[str, str]:
    """Return all queues that the agent of ``host`` reads."""
    return host_queue(host), host_queue(host, long=True)
