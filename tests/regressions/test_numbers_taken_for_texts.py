"""DRF's own text field takes the number 5 for "5": tags, key names and descriptions did."""

from typing import Any

import pytest

from apps.compute.api.serializers.server_tags import Tags
from apps.compute.api.serializers.servers import ServerCreate

LEAST = {"name": "vm", "flavorRef": "1"}


@pytest.mark.parametrize("name", ["key_name", "description", "availability_zone", "user_data", "hostname", "name"])
@pytest.mark.parametrize("value", [5, 1.5])
def test_fields(name: str, value: Any) -> None:
    parsed = ServerCreate(data={**LEAST, name: value})
    assert not parsed.is_valid()
    assert name in parsed.errors


def test_tags() -> None:
    assert not Tags(data={"tags": [5]}).is_valid()
    assert not ServerCreate(data={**LEAST, "tags": [5]}).is_valid()
