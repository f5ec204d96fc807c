"""How many runs write much to the disks of each host: a part of the scheduler's statements."""

from apps.workflow import states


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# A part of a statement: host -> how many runs are under way there that write much to its disks, which Nova counts as a
# host's I/O operations. ``io_heavy``: the names of such pipelines (catalogue.io_heavy). Served by the index run_active.
BUSY_HOSTS = f"""
SELECT host, count(*) AS count FROM workflow_run
 WHERE state IN ({_listed(states.ACTIVE)}) AND host <> '' AND pipeline = ANY(%(io_heavy)s) GROUP BY host
"""
