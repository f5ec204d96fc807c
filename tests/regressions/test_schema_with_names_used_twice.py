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
        ("/identity/v3/users/{user_id}/password", "user"),
        ("/compute/v2.1/os-aggregates/{aggregate_id}/action", "set_metadata"),
        ("/compute/v2.1/flavors/{flavor_id}/action", "removeTenantAccess"),
        ("/identity/v3/services", "service"),
        ("/identity/v3/policies", "policy"),
        ("/identity/v3/limits", "limits"),
        ("/identity/v3/credentials", "credential"),
        ("/identity/v3/OS-TRUST/trusts", "trust"),
        ("/identity/v3/OS-EP-FILTER/endpoint_groups", "endpoint_group"),
        ("/identity/v3/users/{user_id}/credentials/OS-EC2", "tenant_id"),
        ("/identity/v2.0/tokens", "auth"),
        ("/identity/v2.0/OS-KSADM/services", "OS-KSADM:service"),
    ],
)
def test_bodies(document: Any, path: str, key: str) -> None:
    assert key in body(document, path)["properties"]


def test_bodies_under_one_key_differ(document: Any) -> None:
    """A new password's body was described as a new user's."""
    components = document["components"]["schemas"]

    def inner(path: str) -> Any:
        return components[body(document, path)["properties"]["user"]["$ref"].rsplit("/", 1)[1]]

    assert "name" in inner("/identity/v3/users")["required"]
    password = inner("/identity/v3/users/{user_id}/password")
    assert set(password["properties"]) == {"password", "original_password"}


def test_names(document: Any) -> None:
    seen = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(seen) == len(set(seen))
    components = document["components"]["schemas"]
    assert "IdentityUser" in components
    assert "ComputeServerCreate" in components
    told = [*GENERATOR_STATS._error_cache, *GENERATOR_STATS._warn_cache]
    assert not [one for one in told if "identical names" in one]


def test_identitys_calls_say_what_they_take_and_give(document: Any) -> None:
    """Every write that reads a body says which, and every answer but 204 has one."""
    silent = []
    for path, methods in document["paths"].items():
        if not path.startswith("/identity/v") or path.endswith(("/v3", "/v2.0", "/extensions")):
            continue
        for method, one in methods.items():
            if not [code for code, answer in one["responses"].items() if code == "204" or answer.get("content")]:
                silent.append(f"{method} {path}")
            if method == "patch" and "requestBody" not in one:
                silent.append(f"{method} {path}: no body")
    assert silent == []
