"""Rules for parts of a server's body: an operator's policy.yaml decides what the caller may choose."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.common.context import RequestContext
from apps.common.exceptions import BadRequest, PolicyForbidden
from apps.compute.api import permissions
from apps.networking.values import InterfacePermissions, RequestedNetwork

MEMBER = RequestContext(user_id="u", project_id="p", roles=("member", "reader"))
ADMIN = RequestContext(user_id="a", project_id="p", roles=("admin", "member", "reader"), is_admin=True)
WITH_NETWORK = {"networks": [RequestedNetwork(network_id=uuid.uuid4())]}
INNER_QUERY = {"query": '[">=", "$num_instances", 1]'}


@pytest.fixture
def policy_file(tmp_path: Path, settings: Any) -> Path:
    settings.STATE_DIR = tmp_path
    return tmp_path / "policy.yaml"


def test_members_attach_networks_but_no_external_ones() -> None:
    permissions.check_new_server(MEMBER, WITH_NETWORK, {})
    assert permissions.of_interfaces(MEMBER, WITH_NETWORK) == InterfacePermissions(external=False)
    assert permissions.of_interfaces(ADMIN, WITH_NETWORK) == InterfacePermissions(external=True)


@pytest.mark.parametrize("values", [{}, {"networks": "auto"}, {"networks": "none"}, {"networks": []}])
def test_a_body_that_names_no_network_gets_no_permissions(values: dict[str, Any]) -> None:
    assert permissions.of_interfaces(ADMIN, values) == InterfacePermissions()


def test_operators_may_restrict_named_networks(policy_file: Path) -> None:
    policy_file.write_text('"os_compute_api:servers:create:attach_network": "role:admin"\n')
    with pytest.raises(PolicyForbidden, match="servers:create:attach_network"):
        permissions.check_new_server(MEMBER, WITH_NETWORK, {})
    permissions.check_new_server(MEMBER, {"networks": "auto"}, {})
    permissions.check_new_server(ADMIN, WITH_NETWORK, {})


def test_operators_may_open_external_networks(policy_file: Path) -> None:
    policy_file.write_text('"network:attach_external_network": "role:member"\n')
    assert permissions.of_interfaces(MEMBER, WITH_NETWORK).external


@pytest.mark.parametrize("values", [{"host": "host-1"}, {"availability_zone": "nova:host-1"}])
def test_only_administrators_name_a_host(values: dict[str, Any]) -> None:
    permissions.check_new_server(ADMIN, values, {})
    with pytest.raises(PolicyForbidden):
        permissions.check_new_server(MEMBER, values, {})


def test_hints_that_tell_the_load_of_hosts_are_for_administrators() -> None:
    permissions.check_new_server(ADMIN, {}, INNER_QUERY)
    with pytest.raises(BadRequest, match="only administrators may ask by"):
        permissions.check_new_server(MEMBER, {}, INNER_QUERY)
