"""The queue of a host, read from the rows; scheduling puts it on the pages of hosts."""

from apps.common.admin import panels
from apps.workflow import states
from apps.workflow.selectors import queues


def panel_of_host(host: str) -> panels.Panel:
    """Return the steps that wait for a host's agent, and for how long. 1 query."""
    found = next(iter(queues.busy(queue=states.host_queue(host))), None)
    if found is None:
        return panels.facts("Queue", [], note="The queue is empty.")
    pairs = [
        ("queue", found.name),
        ("waiting", str(found.waiting)),
        ("oldest", f"{found.age_seconds:.1f} s" if found.oldest_at else ""),
        ("running", str(found.running)),
        ("delayed", str(found.delayed)),
    ]
    return panels.facts("Queue", pairs)
