"""With any body, POST /servers and related calls answer 2xx or 4xx, never 5xx."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.bad_input.test_servers import CASES
from tests.api.bad_input.world import NOWHERE, World

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=40),
    st.sampled_from(["auto", "none", "", "1", NOWHERE, "\0", "x" * 300, "10.0.0.1", "::1", "aGVsbG8=", "True"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
KEYS = sorted({key for values, _, _ in CASES.values() for key in values})
fields = st.dictionaries(st.sampled_from(KEYS), anything, max_size=5)
texts = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3)
networks = st.lists(
    st.dictionaries(st.sampled_from(["uuid", "port", "fixed_ip", "tag"]), anything, max_size=3) | anything, max_size=3
)
quiet = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def check(response: Any) -> None:
    assert response.status_code < 500, response.content
    assert response.json() if response.content else response.status_code in (202, 204)


@pytest.mark.slow
@quiet
@given(values=fields, wanted=networks | st.none(), hints=anything, metadata=texts, tags=st.lists(st.text(max_size=3)))
def test_create(world: World, values: Any, wanted: Any, hints: Any, metadata: Any, tags: Any) -> None:
    body = world.body(**{"metadata": metadata, "tags": tags, **values})
    if wanted is not None:
        body["server"]["networks"] = wanted
    if hints is not None:
        body["os:scheduler_hints"] = hints
    check(world.call("POST", "/compute/v2.1/servers", body))


@pytest.mark.slow
@quiet
@given(body=anything, version=st.sampled_from(["2.1", "2.37", "2.57", "2.96"]))
def test_bodies(world: World, body: Any, version: str) -> None:
    headers = {"OpenStack-API-Version": f"compute {version}"}
    for key in ("server", "keypair", "flavor"):
        path = {"server": "servers", "keypair": "os-keypairs", "flavor": "flavors"}[key]
        for sent in (body, {key: body}):
            check(world.call("POST", f"/compute/v2.1/{path}", sent, headers=headers, who="admin"))
    for noun in ("network", "subnet", "port", "security_group", "security_group_rule"):
        path = f"/network/v2.0/{noun.replace('_', '-')}s"
        check(world.call("POST", path, {noun: body}))
    check(world.call("POST", "/image/v2/images", body))
    check(world.call("POST", "/identity/v3/auth/tokens", {"auth": body}, who=None))


@pytest.mark.slow
@quiet
@given(name=st.sampled_from(["os-stop", "reboot", "lock", "os-getConsoleOutput", "os-resetState"]), values=anything)
def test_actions(world: World, name: str, values: Any) -> None:
    key = getattr(world, "kept", None) or world.server(vm_state="error")
    world.kept = key  # type: ignore[attr-defined]
    check(world.call("POST", f"/compute/v2.1/servers/{key}/action", {name: values}, who="admin"))
