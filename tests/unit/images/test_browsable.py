"""The same URLs in a browser."""

from typing import Any

from tests.callers import Caller


def test_pages(alice: Caller, create: Any) -> None:
    image_id = create(alice)["id"]
    for path in ("/v2/images", f"/v2/images/{image_id}", f"/v2/images/{image_id}/members", "/v2/schemas/image"):
        page = alice.call("get", path, HTTP_ACCEPT="text/html")
        assert page.status_code == 200
        assert page["Content-Type"].startswith("text/html")
