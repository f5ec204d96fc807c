"""A project, another one, an administrator, and a place for bits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.callers import Caller
from tests.unit.images import samples

PREFIX = "/image"


@pytest.fixture(autouse=True)
def image_dir(tmp_path: Path, settings: Any) -> Path:
    settings.IMAGE_DIR = tmp_path / "images"
    return tmp_path / "images"


@pytest.fixture
def alice(db: None) -> Caller:
    return Caller(PREFIX)


@pytest.fixture
def bob(db: None) -> Caller:
    return Caller(PREFIX)


@pytest.fixture
def admin(db: None) -> Caller:
    return Caller(PREFIX, admin=True)


@pytest.fixture
def create() -> Callable[..., Any]:
    def make(who: Caller, **values: Any) -> Any:
        values = {"name": "i", "disk_format": "qcow2", "container_format": "bare", **values}
        response = who.post("/v2/images", values)
        assert response.status_code == 201, response.content
        return response.json()

    return make


@pytest.fixture
def put() -> Callable[..., Any]:
    def upload(who: Caller, image_id: str, data: bytes, **headers: Any) -> Any:
        more = {"data": data, "content_type": "application/octet-stream", **headers}
        return who.call("put", f"/v2/images/{image_id}/file", **more)

    return upload


@pytest.fixture
def active(create: Callable[..., Any], put: Callable[..., Any]) -> Callable[..., Any]:
    def make(who: Caller, data: bytes | None = None, **values: Any) -> Any:
        image = create(who, **values)
        response = put(who, image["id"], data or samples.qcow2())
        assert response.status_code == 204, response.content
        return who.get(f"/v2/images/{image['id']}").json()

    return make
