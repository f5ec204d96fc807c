"""How full a host is, as `celerity rebalance` sees it."""

from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute.services import move_plans


@pytest.mark.parametrize(("store", "full"), [("", 0.9), ("disks", 0.5)])
def test_a_pool_of_all_hosts_gets_no_emptier(settings: Any, store: str, full: float) -> None:
    settings.ROOT_STORE = store
    host = {"vcpus_free": 3, "vcpus_total": 4, "ram_free": 2, "ram_total": 4, "disk_free": 1, "disk_total": 10}
    assert move_plans.use(SimpleNamespace(**host)) == pytest.approx(full)  # type: ignore[arg-type]
