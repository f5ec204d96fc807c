"""The queues of a host, read from the rows; scheduling puts them on the pages of hosts."""

from apps.common.admin import panels
from apps.workflow import states
from apps.workflow.selectors import queues

HEAD = ["queue", "waiting", "oldest", "running", "delayed"]


def panel_of_host(host: str) -> panels.Panel:
    """Return the steps that wait for a host's agent, and for how long. 1 query."""
    rows = [
        [
            queue.name,
            str(queue.waiting),
            f"{queue.age_seconds:.1f} s" if queue.oldest_at else "",
            str(queue.running),
            str(queue.delayed),
        ]
        for queue in queues.busy(names=states.host_queues(host))
    ]
    return panels.table("Queues", HEAD, rows, empty="Its queues are empty.")
