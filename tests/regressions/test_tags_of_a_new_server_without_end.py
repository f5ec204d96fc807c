"""The limit of 50 tags stood in a class attribute that DRF's constructor overwrites."""

import pytest

from apps.compute.api.serializers.servers import ServerCreate

LEAST = {"name": "vm", "flavorRef": "1"}


@pytest.mark.parametrize(("count", "valid"), [(50, True), (51, False)])
def test_count(count: int, valid: bool) -> None:
    assert ServerCreate(data={**LEAST, "tags": [str(number) for number in range(count)]}).is_valid() is valid
