"""``manage.py project_purge`` on a project with servers: real workers delete them, and nothing of the project stays."""

import pytest
import requests

from tests.cloud import Cloud, wait_for

pytestmark = pytest.mark.slow

# What rightly stays: history, and the rows of what is deleted.
HISTORY = {"common_auditevent", "compute_server", "images_image", "workflow_run",
           "volumes_backup", "volumes_snapshot", "volumes_volume"}  # fmt: skip
_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name IN ('project_id', 'tenant_id') AND data_type <> 'bigint'"""


@pytest.fixture
def project(cloud: Cloud) -> str:
    """A project with demo as a member, and a token of it in ``cloud.token`` for the test."""
    body = {"project": {"name": "purged", "domain_id": "default"}}
    made = str(cloud.call("POST", "/identity/v3/projects", body, admin=True).json()["project"]["id"])
    (role,) = (one[0] for one in cloud.rows("SELECT id FROM identity_role WHERE name = 'member' AND domain_id IS NULL"))
    (user,) = (one[0] for one in cloud.rows("SELECT id FROM identity_user WHERE name = 'demo'"))
    path = f"/identity/v3/projects/{made}/users/{user}/roles/{role}"
    assert cloud.call("PUT", path, admin=True).status_code == 204
    return made


def scoped(cloud: Cloud, project: str) -> str:
    auth = {"identity": {"methods": ["token"], "token": {"id": cloud.token}}, "scope": {"project": {"id": project}}}
    answer = requests.post(f"{cloud.url}/identity/v3/auth/tokens", json={"auth": auth}, timeout=30)
    return answer.headers["X-Subject-Token"]


def fill(cloud: Cloud, token: str) -> list[str]:
    """Make one of everything and three servers; return the servers' ids."""

    def made(path: str, body: object, noun: str) -> str:
        answer = cloud.call("POST", path, body, headers={"X-Auth-Token": token})
        assert answer.status_code in (200, 201, 202), answer.text
        document = answer.json()
        return str(document.get(noun, document)["id"])

    network = made("/network/v2.0/networks", {"network": {"name": "n"}}, "network")
    made(
        "/network/v2.0/subnets", {"subnet": {"network_id": network, "cidr": "10.77.0.0/24", "ip_version": 4}}, "subnet"
    )
    made("/network/v2.0/ports", {"port": {"network_id": network}}, "port")
    made("/network/v2.0/security-groups", {"security_group": {"name": "g"}}, "security_group")
    made(
        "/image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare", "protected": True}, "image"
    )
    full = made("/volume/v3/volumes", {"volume": {"size": 1}}, "volume")
    wait_for(lambda: cloud.rows("SELECT 1 FROM volumes_volume WHERE status = 'available'"), what="the volume made")
    made("/volume/v3/snapshots", {"snapshot": {"volume_id": full}}, "snapshot")
    for incremental in (False, True):
        body = {"backup": {"volume_id": full, "incremental": incremental}}
        made("/volume/v3/backups", body, "backup")
        count = "SELECT 1 FROM volumes_backup WHERE status = 'available' OFFSET %s"
        wait_for(lambda: cloud.rows(count, int(incremental)), what="the backup made")  # noqa: B023
    group = {"server_group": {"name": "g", "policy": "anti-affinity"}}
    hint = made("/compute/v2.1/os-server-groups", group, "server_group")
    ids = []
    for number in range(3):
        server = {"name": f"s{number}", "imageRef": cloud.image(), "flavorRef": "1", "networks": [{"uuid": network}]}
        body = {"server": server, "os:scheduler_hints": {"group": hint}}
        ids.append(made("/compute/v2.1/servers", body, "server"))
    return ids


def test_nothing_of_a_purged_project_stays(cloud: Cloud, project: str) -> None:
    token = scoped(cloud, project)
    servers = fill(cloud, token)
    assert [cloud.settled(one)["status"] for one in servers] == ["ACTIVE"] * 3
    refused = cloud.call("DELETE", f"/identity/v3/projects/{project}", admin=True)
    assert refused.status_code == 409
    assert "3 servers" in refused.json()["error"]["message"]
    said = cloud.manage("project_purge", project)
    assert "3 servers" in said
    assert "Deleted the project purged." in said
    assert cloud.call("GET", "/compute/v2.1/servers", headers={"X-Auth-Token": token}).status_code == 401
    assert cloud.call("GET", f"/identity/v3/projects/{project}", admin=True).status_code == 404
    assert [cloud.server(one) for one in servers] == [None] * 3
    left = {
        f"{table}.{column}"
        for table, column in cloud.rows(_COLUMNS)
        if table not in HISTORY and cloud.rows(f"SELECT 1 FROM {table} WHERE {column}::text = %s", project)
    }
    assert not left
    wait_for(lambda: not cloud.inconsistencies(), what="rows and hosts that agree")


def test_a_purge_waits_for_a_host_that_is_away(cloud: Cloud, project: str) -> None:
    """The purge says so and keeps the project; the next purge finishes."""
    servers = fill(cloud, scoped(cloud, project))
    for one in servers:
        cloud.settled(one)
    cloud.kill("agent", restart=False)
    cloud.manage("project_purge", project, "--timeout", "2", check=False)
    assert cloud.call("GET", f"/identity/v3/projects/{project}", admin=True).status_code == 200
    cloud.start("agent")
    assert "Deleted the project" in cloud.manage("project_purge", project)
    cloud.assert_clean()
