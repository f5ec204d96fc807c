"""v2.0 has tokens in its paths. A call with a doubled slash was served, and its token was logged."""

import logging
from typing import Any

import pytest
from django.test import Client

TOKEN = "gAAAAABrAGM4HA0O6Pn_zt0nik4Od5lOisqjBM-nQOr09XtK3BqDGiCaPMbwgRA0mMn9"
PATHS = (
    "/identity/v2.0/tokens/{}",
    "/identity/v2.0//tokens//{}/endpoints",
    "/identity//v2.0/tokens/{}",
    "/identity/v2.0/Tokens/{}",
    "/identity/v3/tokens/{}",
    "/v2.0/tokens/{}",
    "/nowhere/{}",
)


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
def test_no_line_has_the_token(path: str, caplog: Any) -> None:
    with caplog.at_level(logging.DEBUG):
        assert Client().get(path.format(TOKEN)).status_code in (401, 404)
    lines = [record.getMessage() for record in caplog.records if "'event': 'request'" in record.getMessage()]
    assert len(lines) == 1
    assert "***" in lines[0]
    assert not [line for line in caplog.records if TOKEN in line.getMessage()]
