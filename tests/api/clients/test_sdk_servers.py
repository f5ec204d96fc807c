"""A server's life with openstacksdk."""

import base64
from functools import partial
from typing import Any

import pytest
from openstack import exceptions

from tests.cloud import Cloud, wait_for

USER_DATA = base64.b64encode(b"#!/bin/sh\necho hello\n").decode()


@pytest.fixture
def parts(cloud: Cloud, sdk: Any) -> Any:
    """What a create needs: ids of image and flavor, and a network without quota trouble."""
    return {
        "image_id": cloud.image("tiny"),
        "flavor_id": sdk.compute.find_flavor("m1.tiny").id,
        "networks": [{"uuid": sdk.network.find_network("shared").id}],
    }


def boot(sdk: Any, parts: dict[str, Any], name: str = "vm", **values: Any) -> Any:
    server = sdk.compute.create_server(name=name, **{**parts, **values})
    return sdk.compute.wait_for_server(server, interval=0.2, wait=60)


def test_everything_a_create_may_say(cloud: Cloud, sdk: Any, parts: Any) -> None:
    network = sdk.network.create_network(name="mine")
    subnet = sdk.network.create_subnet(network_id=network.id, cidr="10.9.0.0/24", ip_version=4)
    group = sdk.network.create_security_group(name="web")
    sdk.network.create_security_group_rule(
        security_group_id=group.id, direction="ingress", protocol="tcp", port_range_min=80, port_range_max=80
    )
    port = sdk.network.create_port(
        network_id=network.id, fixed_ips=[{"ip_address": "10.9.0.77"}], security_group_ids=[group.id]
    )
    key = sdk.compute.create_keypair(name="k-sdk", public_key="ssh-ed25519 " + base64.b64encode(
        b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"k" * 32).decode())  # fmt: skip
    server = boot(
        sdk, parts,
        networks=[{"port": port.id}, {"uuid": network.id}],
        security_groups=[{"name": group.id}],
        key_name=key.name,
        metadata={"role": "web"},
        tags=["a", "b"],
        user_data=USER_DATA,
        config_drive=True,
        description="all of it",
        availability_zone="nova",
        scheduler_hints={"group_of": "one"},
        hostname="web-1",
    )  # fmt: skip
    assert (server.status, server.vm_state, server.power_state, server.task_state) == ("ACTIVE", "active", 1, None)
    assert (server.key_name, server.metadata, sorted(server.tags)) == ("k-sdk", {"role": "web"}, ["a", "b"])
    assert (server.description, server.availability_zone, server.has_config_drive) == ("all of it", "nova", "True")
    assert {one["name"] for one in server.security_groups} == {"web"}  # once per port, as in Nova
    addresses = [one["addr"] for one in server.addresses["mine"]]
    assert addresses[0] == "10.9.0.77"
    assert len(addresses) == 2
    assert server.launched_at
    assert {one.network_id for one in sdk.network.ports(device_id=server.id)} == {network.id}
    sdk.compute.delete_server(server)
    sdk.compute.wait_for_delete(server, interval=0.2, wait=60)
    left = list(sdk.network.ports(network_id=network.id))
    assert [one.id for one in left] == [port.id]  # the caller's own port stays, unbound
    assert left[0].device_id == ""
    for one in (
        (sdk.network.delete_port, port),
        (sdk.network.delete_subnet, subnet),
        (sdk.network.delete_network, network),
    ):
        one[0](one[1], ignore_missing=False)
    sdk.network.delete_security_group(group, ignore_missing=False)
    sdk.compute.delete_keypair("k-sdk", ignore_missing=False)


def test_power(sdk: Any, parts: Any) -> None:
    server = boot(sdk, parts)
    for action, status in (
        (sdk.compute.stop_server, "SHUTOFF"),
        (sdk.compute.start_server, "ACTIVE"),
    ):
        action(server)
        server = sdk.compute.wait_for_server(server, status=status, interval=0.2, wait=60)
    for kind in ("SOFT", "HARD"):
        sdk.compute.reboot_server(server, kind)
        server = wait_for(partial(idle, sdk, server.id), what=f"the end of a {kind} reboot")
        assert server.status == "ACTIVE"
    with pytest.raises(exceptions.ConflictException, match="while it is in vm_state active"):
        sdk.compute.start_server(server)
    assert "login:" in sdk.compute.get_server_console_output(server, length=5)["output"]


def idle(sdk: Any, server_id: str) -> Any:
    server = sdk.compute.get_server(server_id)
    return server if server.task_state is None and server.status != "BUILD" else None


def test_update_metadata_tags(sdk: Any, parts: Any) -> None:
    server = boot(sdk, parts, metadata={"a": "1"})
    assert sdk.compute.update_server(server, name="vm-b", description="d").name == "vm-b"
    sdk.compute.set_server_metadata(server, b="2")
    assert sdk.compute.get_server_metadata(server).metadata == {"a": "1", "b": "2"}
    sdk.compute.delete_server_metadata(server, ["a"])
    assert sdk.compute.get_server(server.id).metadata == {"b": "2"}
    sdk.compute.add_tag_to_server(server, "t")
    assert sdk.compute.get_server(server.id).tags == ["t"]
    assert [one.id for one in sdk.compute.servers(tags="t")] == [server.id]
    sdk.compute.remove_tags_from_server(server)
    assert sdk.compute.get_server(server.id).tags == []


def test_actions_tell_each_step(sdk: Any, parts: Any) -> None:
    server = boot(sdk, parts)
    sdk.compute.stop_server(server)
    sdk.compute.wait_for_server(server, status="SHUTOFF", interval=0.2, wait=60)
    actions = {one.action: one for one in sdk.compute.server_actions(server)}
    assert set(actions) == {"create", "stop"}
    create = sdk.compute.get_server_action(actions["create"].request_id, server)
    names = [one["event"] for one in create.events]
    assert {"schedule", "allocate_network", "spawn"} <= {name.rpartition(".")[2] for name in names}
    assert {one["result"] for one in create.events} == {"Success"}
    assert create.message is None


@pytest.mark.parametrize(("counts", "names"), [((2, 3), ["n-1", "n-2", "n-3"]), ((1, 1), ["n"])])
def test_several_at_once(sdk: Any, parts: Any, counts: tuple[int, int], names: list[str]) -> None:
    first = sdk.compute.create_server(name="n", min_count=counts[0], max_count=counts[1], **parts)
    sdk.compute.wait_for_server(first, interval=0.2, wait=60)
    assert sorted(one.name for one in sdk.compute.servers(name="^n(-[0-9])?$")) == names


def test_quota_says_which_and_how_many(sdk: Any, parts: Any) -> None:
    with pytest.raises(exceptions.ForbiddenException, match=r"instances.*11.*10|Quota exceeded for instances"):
        sdk.compute.create_server(name="n", min_count=11, max_count=11, **parts)
    limits = sdk.compute.get_limits().absolute
    assert (limits.instances, limits.instances_used) == (10, 0)
    assert sdk.compute.get_quota_set(sdk.current_project_id).instances == 10


def test_no_network(sdk: Any, parts: Any) -> None:
    server = boot(sdk, parts, networks="none")
    assert server.addresses == {}
    assert list(sdk.network.ports(device_id=server.id)) == []


def test_forced_host_is_for_administrators(cloud: Cloud, sdk: Any, admin_sdk: Any, parts: Any) -> None:
    host = next(iter(admin_sdk.compute.hypervisors())).name
    with pytest.raises(exceptions.ForbiddenException):
        sdk.compute.create_server(name="n", availability_zone=f"nova:{host}", **parts)
    server = boot(admin_sdk, parts, availability_zone=f"nova:{host}")
    assert server.compute_host == host
    assert sdk.compute.find_server(server.id) is None


def test_delete_is_over_when_it_says_so(sdk: Any, parts: Any) -> None:
    server = sdk.compute.create_server(name="n", **parts)
    sdk.compute.delete_server(server)  # in the midst of its build
    sdk.compute.wait_for_delete(server, interval=0.2, wait=60)
    with pytest.raises(exceptions.NotFoundException):
        sdk.compute.delete_server(server.id, ignore_missing=False)


def test_high_level_calls(sdk: Any, parts: Any) -> None:
    """The cloud layer, as Ansible's modules use it."""
    server = sdk.create_server("high", image="tiny", flavor="m1.tiny", network="shared", wait=True, timeout=60)
    assert server.status == "ACTIVE"
    # It gives the server a floating IP by itself, as `shared` has a router to `public`.
    assert [address["OS-EXT-IPS:type"] for address in server.addresses["shared"]] == ["fixed", "floating"]
    assert [one.id for one in sdk.list_servers(filters={"name": "high"})] == [server.id]
    assert sdk.delete_server("high", delete_ips=True)
