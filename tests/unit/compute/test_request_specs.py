"""What a server claims of a host."""

from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute.selectors import request_specs

GIB = 1024**3


@pytest.mark.parametrize(
    ("flavor", "virtual_size", "disk_gib"),
    [
        ({"disk": 5}, 2 * GIB, 5),
        ({"disk": 5, "ephemeral": 3, "swap": 1}, 2 * GIB, 9),
        ({"disk": 0}, 2 * GIB + 1, 3),
        ({"disk": 0}, None, 0),
    ],
)
def test_disk(flavor: dict[str, int], virtual_size: int | None, disk_gib: int) -> None:
    server: Any = SimpleNamespace(
        flavor={"vcpus": 1, "ram": 64, "ephemeral": 0, "swap": 0, **flavor},
        image_id="0",
        has_volumes=False,
        image_facts={"virtual_size": virtual_size},
        image_properties={},
        scheduler_hints={},
        group_id=None,
        requested_zone="",
        requested_host="",
        project_id="p",
        launched_at=None,
    )
    assert request_specs.of_server(server, excluded=[]).disk_gib == disk_gib
