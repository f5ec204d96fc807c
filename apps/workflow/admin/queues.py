"""The queue of a host, read from the rows; scheduling puts it on the pages of hosts."""

from apps.common.admin import panels
from apps.workflow import states
from apps.workflow.selectors import queues


def panel_of_host(host: str) -> panels.Panel:
    """Return the steps that wait for a host's agent, and for how long. 1 query."""
    queue = next(iter(queues.busy(queue=states.host_queue(host))), None)
    if queue is None:
        return panels.pairs("Queue", [], note="The queue is empty.")
    pairs = [
        ("queue", queue.name),
        ("waiting", str(queue.waiting)),
        ("oldest", f"{queue.age_seconds:.1f} s" if queue.oldest_at else ""),
        ("running", str(queue.running)),
        ("delayed", str(queue.delayed)),
    ]
    return panels.pairs("Queue", pairs)
