"""``{"os-getConsoleOutput": {"length": "²"}}`` passed isdigit() and broke int()."""

import pytest

from apps.common.exceptions import BadRequest
from apps.compute.api.views import actions


@pytest.mark.parametrize("length", ["²", "--5", "-", "5-", "1" * 20])
def test_length(length: str) -> None:
    with pytest.raises(BadRequest, match="length"):
        actions.console_output(None, None, {"length": length})  # type: ignore[arg-type]
