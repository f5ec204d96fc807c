"""The disks that an image prescribes, and what a request says of them."""

import json
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from apps.compute.api.serializers.servers import ServerCreate
from apps.compute.services.server_requests import image_mappings

PRESCRIBED = [
    {"source_type": "blank", "volume_size": size, "device_name": name}
    for size, name in ((1, "/dev/vda"), (2, "/dev/vdb"))
]
BLANK = {"source_type": "blank", "volume_size": 3}


@pytest.mark.parametrize(
    ("own", "sizes"),
    [
        ([], [1, 2]),
        ([{"device_name": "vdb", "no_device": True}], [1]),
        ([{"device_name": "/dev/vdb", **BLANK}], [1, 3]),
        ([{"device_name": "/dev/vdc", **BLANK}], [1, 2, 3]),
        ([{"no_device": True}], [1, 2]),
        ([{"no_device": None, **BLANK}], [1, 2, 3]),
        ([{"device_name": "vdb"}], None),
    ],
)
def test_a_request_overrides_disks_by_their_names(own: Any, sizes: list[int] | None) -> None:
    body = {"name": "s", "flavorRef": "1", "imageRef": str(uuid.uuid4()), "block_device_mapping_v2": own}
    read = ServerCreate(data=body)
    assert read.is_valid() is (sizes is not None), read.errors
    image = SimpleNamespace(id="i", properties={"bdm_v2": "true", "block_device_mapping": json.dumps(PRESCRIBED)})
    if sizes is not None:
        rows = image_mappings.merged(read.validated_data, image)["block_device_mapping_v2"]  # type: ignore[arg-type]
        assert [row["volume_size"] for row in rows] == sizes
