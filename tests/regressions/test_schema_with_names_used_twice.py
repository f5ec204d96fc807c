"""The OpenAPI document: components of one name overwrote each other, and bodies lacked the key around them."""

from typing import Any

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


@pytest.fixture(scope="module")
def document() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


def body(document: Any, path: str, method: str = "post") -> Any:
    found = document["paths"][path][method]["requestBody"]["content"]
    schema = next(iter(found.values()))["schema"]
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/compute/v2.1/servers", "server"),
        ("/compute/v2.1/os-keypairs", "keypair"),
        ("/compute/v2.1/flavors", "flavor"),
        ("/compute/v2.1/servers/{server_id}/metadata", "metadata"),
        ("/compute/v2.1/servers/{server_id}/action", "reboot"),
        ("/network/v2.0/networks", "network"),
        ("/network/v2.0/ports", "port"),
        ("/image/v2/images", "disk_format"),
        ("/identity/v3/auth/tokens", "auth"),
        ("/identity/v3/users", "user"),
    ],
)
def test_bodies(document: Any, path: str, key: str) -> None:
    assert key in body(document, path)["properties"]


def test_names(document: Any) -> None:
    seen = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(seen) == len(set(seen))
    components = document["components"]["schemas"]
    assert "IdentityUser" in components
    assert "ComputeServerCreate" in components
    told = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    assert not [one for one in told if "identical names" in one]
