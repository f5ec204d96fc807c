"""Sockets, cores and threads: what flavor and image prefer, within their limits."""

from typing import Any

import pytest

from apps.compute import cpu_topologies
from apps.compute.exceptions import HardwareInvalid


def split(asked: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Names of the table: ``sockets`` and ``max_sockets`` are the image's, with ``f_`` the flavor's."""
    flavor = {f"hw:cpu_{key[2:]}": value for key, value in asked.items() if key.startswith("f_")}
    return flavor, {f"hw_cpu_{key}": value for key, value in asked.items() if not key.startswith("f_")}


@pytest.mark.parametrize(
    ("asked", "vcpus", "found"),
    [
        ({}, 4, None),
        ({"sockets": "2"}, 4, (2, 2, 1)),
        ({"cores": "2"}, 4, (2, 2, 1)),
        ({"threads": "2"}, 4, (1, 2, 2)),
        ({"sockets": "2", "cores": "1", "threads": "2"}, 4, (2, 1, 2)),
        ({"sockets": "3"}, 4, None),
        ({"cores": "8"}, 4, None),
        ({"sockets": "4", "f_sockets": "2"}, 4, (2, 2, 1)),
        ({"f_sockets": "two"}, 4, None),
        ({"f_max_sockets": "2"}, 8, (1, 8, 1)),
        ({"f_max_cores": "2"}, 8, (4, 2, 1)),
        ({"f_max_sockets": "2", "max_cores": "2"}, 8, (2, 2, 2)),
        ({"f_max_cores": "4", "max_cores": "2", "threads": "2"}, 8, (2, 2, 2)),
        ({"f_max_sockets": "2", "sockets": "2"}, 7, (1, 7, 1)),
        ({"f_max_cores": "1"}, 60_000, (60_000, 1, 1)),
    ],
)
def test_topology(asked: dict[str, str], vcpus: int, found: Any) -> None:
    assert cpu_topologies.of(*split(asked), vcpus) == found


@pytest.mark.parametrize(
    ("asked", "vcpus", "said", "existing"),
    [
        ({"f_max_sockets": "2", "max_sockets": "4"}, 4, "limits 4:0:0 exceeds permitted 2:65536:65536", None),
        ({"f_max_sockets": "2", "sockets": "4"}, 4, "topology 4:0:0 exceeds permitted 2:65536:65536", (4, 1, 1)),
        ({"max_sockets": "2", "max_cores": "1", "max_threads": "1"}, 8, "2:1:1 are impossible .* vcpus count 8", None),
    ],
)  # fmt: skip
def test_what_cannot_be(asked: dict[str, str], vcpus: int, said: str, existing: Any) -> None:
    with pytest.raises(HardwareInvalid, match=said):
        cpu_topologies.of(*split(asked), vcpus)
    assert cpu_topologies.of_existing(*split(asked), vcpus) == existing
