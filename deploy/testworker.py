"""A pytest plugin, loaded before Django's settings: parallel test processes that do not get into each other's way.

Each has its own broker and state, as pytest-django gives each its own database. And tests are handed out by
file; those marked ``xdist_group`` (see tests/services.py) all to one process. The scheduler of pytest-xdist that is
made for this, ``--dist loadgroup``, writes the group into the test's id, which pytest 9.2 no longer takes (pytest-xdist
issue 1386): here the processes pass the groups to the controller in a file.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WORKER = os.environ.get("PYTEST_XDIST_WORKER")
GROUPS = "groups.json"


def separate(worker: str, environment: dict[str, str]) -> dict[str, str]:
    """Return what changes in the environment of the parallel test process called ``worker`` ("gw0", "gw1", …)."""
    number = int(worker.removeprefix("gw")) + 1
    state = Path(environment["CELERITY_STATE_DIR"]) / worker
    return {
        "CELERITY_BROKER_URL": f"{environment['CELERITY_BROKER_URL'].rsplit('/', 1)[0]}/{number}",
        "CELERITY_STATE_DIR": str(state),
    }


def group_of(item: pytest.Item) -> str | None:
    """Return the group of a test: of several, the first by name, so that two groups never share one."""
    names = sorted(str(mark.args[0]) for mark in item.iter_markers("xdist_group"))
    return names[0] if names else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the first parallel process: write the groups. All of them collect the same."""
    if WORKER == "gw0":
        groups = {item.nodeid: group for item in items if (group := group_of(item))}
        Path(os.environ["CELERITY_STATE_DIR"]).with_name(GROUPS).write_text(json.dumps(groups))


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole groups, and whole files of what is in no group; the largest first."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._groups: dict[str, str] | None = None

    def _split_scope(self, nodeid: str) -> str:
        if self._groups is None:
            self._groups = json.loads((Path(os.environ["CELERITY_STATE_DIR"]) / GROUPS).read_text())
        return self._groups.get(nodeid) or nodeid.split("::", 1)[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Take our way of handing out, whatever ``--dist`` says."""
    return Scheduling(config, log)


if WORKER and "CELERITY_BROKER_URL" in os.environ:
    os.environ.update(separate(WORKER, dict(os.environ)))
    Path(os.environ["CELERITY_STATE_DIR"]).mkdir(parents=True, exist_ok=True)
