"""A NUL in metadata of a new server or in the reason of a lock reached PostgreSQL: 500 instead of 400."""

from typing import Any

import pytest

from apps.common.exceptions import BadRequest
from apps.compute.actions import LOCK
from apps.compute.api.serializers.servers import ServerCreate
from apps.compute.api.views.actions import check_body

LEAST = {"name": "vm", "flavorRef": "1"}


@pytest.mark.parametrize("metadata", [{"a": "\0"}, {"\0": "a"}, {"a": 1}, {"": "a"}])
def test_metadata(metadata: Any) -> None:
    parsed = ServerCreate(data={**LEAST, "metadata": metadata})
    assert not parsed.is_valid()
    assert "metadata" in parsed.errors


def test_reason_of_a_lock() -> None:
    with pytest.raises(BadRequest, match="locked_reason"):
        check_body(LOCK, {"locked_reason": "\0"})
