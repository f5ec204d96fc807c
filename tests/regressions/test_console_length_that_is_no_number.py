"""``{"os-getConsoleOutput": {"length": "²"}}`` passed isdigit() and broke int()."""

import pytest

from apps.common.exceptions import BadRequest
from apps.compute.actions import CONSOLE_OUTPUT
from apps.compute.api.views.actions import check_body


@pytest.mark.parametrize("length", ["²", "--5", "-", "5-", "1" * 20])
def test_length(length: str) -> None:
    with pytest.raises(BadRequest, match="length"):
        check_body(CONSOLE_OUTPUT, {"length": length})
