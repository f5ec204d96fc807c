"""What runs are doing to hosts."""

from apps.workflow import states

# Pipelines that write much to a host's disks: what Nova counts as a host's I/O operations.
IO_PIPELINES = ("server.build", "server.rebuild", "server.resize", "server.migrate", "server.snapshot")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"'{word}'" for word in words)


# A part of a statement: host -> how many such runs are under way there. Served by the index run_active.
BUSY_HOSTS = f"""
SELECT host, count(*) AS count FROM workflow_run
 WHERE state IN ({_listed(states.ACTIVE)}) AND host <> '' AND pipeline IN ({_listed(IO_PIPELINES)}) GROUP BY host
"""  # noqa: S608 - nothing but our own words is put in
