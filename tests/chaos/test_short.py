"""The chaos suite's shortened form; the seed is fixed here and free in `make chaos`."""

import pytest

from tests.chaos import run

pytestmark = [pytest.mark.processes, pytest.mark.slow, pytest.mark.heavy]


def test_thirty_servers_under_fire() -> None:
    told = run.run(seed=11, servers=30, concurrency=8)
    assert told["accepted"]
    assert told["strikes"] >= 11, "not every weapon had its turn"
