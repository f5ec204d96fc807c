"""What the tests of /metrics share."""

import pytest

from apps.operations.metrics import requests


@pytest.fixture(autouse=True)
def _no_requests_before() -> None:
    """The requests of all tests of this process are on the page: thousands of lines, seconds to read each time."""
    requests.LATENCY.clear()
    requests._series.clear()
