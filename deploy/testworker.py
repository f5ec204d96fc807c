"""A pytest plugin, loaded before Django's settings: each parallel test process gets a broker and a state of its own.

pytest-django gives each process its own database; this does the same for Redis (by database number) and for files.
"""

import os
from pathlib import Path


def separate(worker: str, environment: dict[str, str]) -> dict[str, str]:
    """Return what changes in the environment of the parallel test process called ``worker`` ("gw0", "gw1", …)."""
    number = int(worker.removeprefix("gw")) + 1
    state = Path(environment["CELERITY_STATE_DIR"]) / worker
    return {
        "CELERITY_BROKER_URL": f"{environment['CELERITY_BROKER_URL'].rsplit('/', 1)[0]}/{number}",
        "CELERITY_STATE_DIR": str(state),
    }


if (_worker := os.environ.get("PYTEST_XDIST_WORKER")) and "CELERITY_BROKER_URL" in os.environ:
    os.environ.update(separate(_worker, dict(os.environ)))
    Path(os.environ["CELERITY_STATE_DIR"]).mkdir(parents=True, exist_ok=True)
