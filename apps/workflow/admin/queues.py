"""The queue of a host, as the rows tell it; put on pages of hosts by who stands above both."""

from apps.common.admin import panels
from apps.workflow import states
from apps.workflow.selectors import queues


def panel_of_host(host: str) -> panels.Panel:
    """Return what waits for a host's agent, and for how long. 1 query."""
    found = next(iter(queues.busy(queue=states.host_queue(host))), None)
    if found is None:
        return panels.facts("Its queue", [], note="Nothing waits and nothing runs.")
    pairs = [
        ("queue", found.name),
        ("waiting", str(found.waiting)),
        ("the oldest since", f"{found.age_seconds:.1f} s" if found.oldest_at else ""),
        ("running", str(found.running)),
        ("delayed", str(found.delayed)),
    ]
    return panels.facts("Its queue", pairs)
