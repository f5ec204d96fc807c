"""The same URLs in a browser."""

import pytest

from apps.networking.models import Network
from tests.callers import Caller


@pytest.mark.parametrize("collection", ["networks", "subnets", "ports", "security-groups", "security-group-rules"])
def test_pages(alice: Caller, network: Network, collection: str) -> None:
    page = alice.call("get", f"/{collection}", HTTP_ACCEPT="text/html")
    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    first = alice.get(f"/{collection}").json()[collection.replace("-", "_")]
    if first:
        assert alice.call("get", f"/{collection}/{first[0]['id']}", HTTP_ACCEPT="text/html").status_code == 200
