"""gunicorn's hooks: each process of the API has its own socket, so that nginx can give it its share.

Processes that share one socket accept whatever connections they wake up for. nginx keeps its connections: the process
that accepted most of them answers most calls, and its threads wait for each other while another process is idle.
"""

from collections import Counter
from typing import Any


def pre_fork(server: Any, worker: Any) -> None:
    """Give the new worker the socket that the fewest others have."""
    taken = Counter(other.listener for other in server.WORKERS.values())
    worker.listener = min(range(len(server.LISTENERS)), key=lambda index: taken[index])


def post_fork(server: Any, worker: Any) -> None:
    """Leave the others' sockets to them."""
    worker.sockets = [worker.sockets[worker.listener]]
