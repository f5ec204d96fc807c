"""Hypervisors, services, zones, usage and extensions over HTTP."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.compute.models import Server
from apps.scheduling.models import Allocation, Host, Scheduler
from apps.scheduling.services import schedulers
from apps.workflow.models import Finding
from apps.workflow.services import findings

pytestmark = pytest.mark.django_db

MakeHost = Callable[..., Host]
LONG_AGO = timedelta(hours=1)


@pytest.mark.parametrize(
    "path",
    [
        "/os-hypervisors", "/os-hypervisors/detail", "/os-hypervisors/statistics", "/os-hypervisors/1",
        "/os-hypervisors/1/uptime", "/os-hypervisors/h/search", "/os-hypervisors/h/servers", "/os-services",
        "/os-availability-zone/detail", "/os-simple-tenant-usage", "/os-aggregates",
    ],
)  # fmt: skip
def test_members_see_no_hosts(alice: Any, make_host: MakeHost, path: str) -> None:
    make_host("h1", 1)
    assert alice.get(path).status_code == 403


def test_hypervisor_by_version(admin: Any, make_host: MakeHost) -> None:
    host = make_host("h1", 3, uptime="up 3 days")
    old = admin.get("/os-hypervisors/3").json()["hypervisor"]
    assert old["id"] == 3 and json.loads(old["cpu_info"]) == {"arch": "x86_64"}
    assert (old["memory_mb"], old["memory_mb_used"], old["free_ram_mb"]) == (8192, 768, 7424)
    assert old["service"] == {"id": 3, "host": "h1", "disabled_reason": None}
    assert admin.at("2.28").get("/os-hypervisors/3").json()["hypervisor"]["cpu_info"] == {"arch": "x86_64"}
    assert admin.at("2.53").get("/os-hypervisors/3").status_code == 400
    assert admin.get(f"/os-hypervisors/{host.id}").status_code == 404
    new = admin.at("2.53").get(f"/os-hypervisors/{host.id}").json()["hypervisor"]
    assert new["id"] == str(host.id) and "servers" not in new
    newest = admin.at("2.88").get(f"/os-hypervisors/{host.id}").json()["hypervisor"]
    assert set(newest) == {
        "id", "hypervisor_hostname", "state", "status", "hypervisor_type", "hypervisor_version", "host_ip", "service",
        "uptime",
    }  # fmt: skip
    assert newest["uptime"] == "up 3 days"


def test_calls_that_versions_dropped(admin: Any, make_host: MakeHost) -> None:
    host = make_host("h1", 1)
    assert admin.get("/os-hypervisors/h/search").json()["hypervisors"][0]["hypervisor_hostname"] == "h1"
    assert admin.get("/os-hypervisors/zzz/search").status_code == 404
    for call in ("search", "servers"):
        assert admin.at("2.52").get(f"/os-hypervisors/h/{call}").status_code == 200
        assert admin.at("2.53").get(f"/os-hypervisors/h/{call}").status_code == 404
    assert admin.at("2.87").get("/os-hypervisors/statistics").status_code == 200
    assert admin.at("2.88").get("/os-hypervisors/statistics").status_code == 404
    assert admin.at("2.87").get(f"/os-hypervisors/{host.id}/uptime").status_code == 200
    assert admin.at("2.88").get(f"/os-hypervisors/{host.id}/uptime").status_code == 404


def test_statistics(admin: Any, make_host: MakeHost) -> None:
    make_host("h1", 1), make_host("h2", 2), make_host("off", 3, enabled=False)
    found = admin.get("/os-hypervisors/statistics").json()["hypervisor_statistics"]
    assert (found["count"], found["vcpus"], found["memory_mb"], found["local_gb"]) == (2, 16, 16384, 200)


def test_servers_on_hosts(admin: Any, make_host: MakeHost, make_server: Any) -> None:
    make_host("h1", 1), make_host("h2", 2)
    server = make_server(admin, host="h1")
    told = [{"uuid": str(server.id), "name": "s"}]
    old = admin.get("/os-hypervisors/h/servers").json()["hypervisors"]
    assert old[0]["servers"] == told and "servers" not in old[1]
    middle = admin.at("2.53").get("/os-hypervisors", with_servers="true").json()["hypervisors"]
    assert middle[0]["servers"] == told and "servers" not in middle[1]
    new = admin.at("2.75").get("/os-hypervisors/detail", with_servers="true").json()["hypervisors"]
    assert new[0]["servers"] == told and new[1]["servers"] == []


def test_hypervisor_pages_and_filters(admin: Any, make_host: MakeHost) -> None:
    hosts = [make_host(f"h{n}", n) for n in range(1, 5)]
    names = lambda answer: [h["hypervisor_hostname"] for h in answer.json()["hypervisors"]]  # noqa: E731
    assert names(admin.at("2.32").get("/os-hypervisors", limit=1)) == ["h1", "h2", "h3", "h4"]
    first = admin.at("2.33").get("/os-hypervisors", limit=2)
    assert names(first) == ["h1", "h2"] and "marker=2" in first.json()["hypervisors_links"][0]["href"]
    rest = admin.at("2.53").get("/os-hypervisors/detail", limit=3, marker=str(hosts[1].id))
    assert names(rest) == ["h3", "h4"] and "hypervisors_links" not in rest.json()
    assert names(admin.at("2.53").get("/os-hypervisors", hypervisor_hostname_pattern="h3")) == ["h3"]
    assert admin.at("2.53").get("/os-hypervisors", hypervisor_hostname_pattern="zz").status_code == 404
    both = {"hypervisor_hostname_pattern": "h", "limit": 1}
    assert admin.at("2.53").get("/os-hypervisors", **both).status_code == 400
    for bad in ({"marker": "9"}, {"limit": "x"}, {"bogus": 1}, {"with_servers": "x"}):
        assert admin.at("2.53").get("/os-hypervisors", **bad).status_code == 400


def test_lists_cost_the_same_for_any_number_of_hosts(
    admin: Any, make_host: MakeHost, django_assert_num_queries: Any
) -> None:
    for n in range(12):
        make_host(f"h{n}", n)
    costs = {
        ("2.96", "/os-hypervisors"): 1,
        ("2.96", "/os-hypervisors/detail"): 2,
        ("2.96", "/os-hypervisors/detail?with_servers=1"): 3,
        ("2.1", "/os-hypervisors/statistics"): 2,
        ("2.96", "/os-services"): 2,
        ("2.96", "/os-availability-zone"): 1,
        ("2.96", "/os-availability-zone/detail"): 2,
    }
    for (version, path), cost in costs.items():
        with django_assert_num_queries(cost):
            assert admin.at(version).get(path).status_code == 200


def test_services_by_version(admin: Any, make_host: MakeHost) -> None:
    host = make_host("h1", 5)
    [old] = admin.get("/os-services").json()["services"]
    assert old["id"] == 5 and old["state"] == "up" and "forced_down" not in old
    [new] = admin.at("2.53").get("/os-services", host="h1", binary="nova-compute").json()["services"]
    assert new["id"] == str(host.id) and new["forced_down"] is False
    assert admin.get("/os-services", host="zz").json() == {"services": []}
    assert admin.get("/os-services", binary="nova-scheduler").json() == {"services": []}
    assert admin.at("2.75").get("/os-services", bogus=1).status_code == 400


def test_service_verbs_below_2_53(admin: Any, alice: Any, make_host: MakeHost) -> None:
    make_host("h1", 1)
    who = {"host": "h1", "binary": "nova-compute"}
    assert alice.put("/os-services/disable", who).status_code == 403
    assert admin.put("/os-services/disable", who).json() == {"service": {**who, "status": "disabled"}}
    reason = {**who, "disabled_reason": "repair"}
    assert admin.put("/os-services/disable-log-reason", reason).json()["service"]["disabled_reason"] == "repair"
    assert Host.objects.get().disabled_reason == "repair"
    assert admin.put("/os-services/enable", who).json() == {"service": {**who, "status": "enabled"}}
    down = {**who, "forced_down": True}
    assert admin.at("2.10").put("/os-services/force-down", down).status_code == 404
    assert admin.at("2.11").put("/os-services/force-down", down).json() == {"service": down}
    assert Host.objects.get().forced_down
    assert admin.put("/os-services/enable", {**who, "host": "zz"}).status_code == 404
    assert admin.put("/os-services/enable", {"host": "h1"}).status_code == 400
    assert admin.put("/os-services/dance", who).status_code == 404
    assert admin.at("2.53").put("/os-services/enable", who).status_code == 400


def test_service_from_2_53_on(admin: Any, make_host: MakeHost) -> None:
    host = make_host("h1", 1)
    path, v = f"/os-services/{host.id}", admin.at("2.53")
    off = v.put(path, {"status": "disabled", "disabled_reason": "repair"}).json()["service"]
    assert (off["status"], off["disabled_reason"]) == ("disabled", "repair")
    assert v.put(path, {"forced_down": True}).json()["service"]["state"] == "down"
    on = v.put(path, {"status": "enabled", "forced_down": False}).json()["service"]
    assert (on["status"], on["disabled_reason"], on["state"]) == ("enabled", None, "up")
    for bad in ({}, {"status": "enabled", "disabled_reason": "x"}, {"disabled_reason": "x"}, {"status": "x"}, {"b": 1}):
        assert v.put(path, bad).status_code == 400
    assert v.put("/os-services/00000000-0000-0000-0000-000000000000", {"status": "enabled"}).status_code == 404


def test_a_service_is_deleted_when_nothing_is_lost(admin: Any, make_host: MakeHost, make_server: Any) -> None:
    host = make_host("h1", 1)
    path, v = f"/os-services/{host.id}", admin.at("2.53")
    assert v.delete(path).status_code == 409  # its agent runs
    Host.objects.update(heartbeat_at=timezone.now() - LONG_AGO)
    server = make_server(admin, host="h1")
    assert v.delete(path).status_code == 409
    Server.objects.update(host="")
    claim = Allocation.objects.create(consumer_id=server.id, host=host, vcpus=1, ram_mib=1, disk_gib=1)
    assert v.delete(path).status_code == 409
    claim.delete()
    with findings.reporting(kinds=("port",), host="h1") as told:
        told.remains("port", "x", found="differs")
    assert v.delete(path).status_code == 204
    assert not Finding.objects.filter(resolved_at=None).exists(), "nobody looks at that host any more"
    assert v.delete(path).status_code == 404
    assert not Host.objects.exists()


def test_schedulers_are_services(admin: Any, alice: Any, make_host: MakeHost) -> None:
    make_host("h1", 1)
    for _ in range(2):
        schedulers.beat(host="machine")
    [found] = admin.at("2.53").get("/os-services", binary="nova-scheduler").json()["services"]
    assert (found["host"], found["zone"], found["status"], found["state"]) == ("machine", "internal", "enabled", "up")
    assert [one["binary"] for one in admin.get("/os-services").json()["services"]] == ["nova-scheduler", "nova-compute"]
    path = f"/os-services/{found['id']}"
    assert admin.at("2.53").put(path, {"status": "disabled"}).status_code == 400
    assert admin.at("2.53").delete(path).status_code == 409
    internal, nova = admin.get("/os-availability-zone/detail").json()["availabilityZoneInfo"]
    assert internal["zoneName"] == "internal" and nova["zoneName"] == "nova"
    assert internal["hosts"]["machine"]["nova-scheduler"]["available"] is True
    assert [one["zoneName"] for one in alice.get("/os-availability-zone").json()["availabilityZoneInfo"]] == ["nova"]
    Scheduler.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    [old] = admin.get("/os-services", binary="nova-scheduler").json()["services"]
    assert old["state"] == "down"
    assert admin.delete(f"/os-services/{old['id']}").status_code == 204
    assert admin.get("/os-services", binary="nova-scheduler").json() == {"services": []}


def test_availability_zones(alice: Any, admin: Any, make_host: MakeHost) -> None:
    make_host("h1", 1, zone="a"), make_host("h2", 2, zone="b", enabled=False)
    zones = alice.get("/os-availability-zone").json()["availabilityZoneInfo"]
    assert zones == [
        {"zoneName": "a", "zoneState": {"available": True}, "hosts": None},
        {"zoneName": "b", "zoneState": {"available": False}, "hosts": None},
    ]
    full = admin.get("/os-availability-zone/detail").json()["availabilityZoneInfo"][0]["hosts"]
    assert full["h1"]["nova-compute"]["active"] and full["h1"]["nova-compute"]["available"]


def test_usage(alice: Any, bob: Any, admin: Any, make_server: Any, django_assert_num_queries: Any) -> None:
    now = timezone.now()
    make_server(alice, launched_at=now - timedelta(hours=10))
    make_server(alice, launched_at=now - timedelta(hours=4), deleted_at=now - timedelta(hours=2), vm_state="deleted")
    make_server(alice)  # never started
    make_server(bob, launched_at=now - timedelta(hours=1))
    path = f"/os-simple-tenant-usage/{alice.project_id}"
    period = {"start": (now - timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%S.%f")}
    usage = alice.get(path, **period).json()["tenant_usage"]
    assert usage["total_hours"] == pytest.approx(7, abs=0.01)
    assert usage["total_vcpus_usage"] == pytest.approx(14, abs=0.02)
    assert [u["state"] for u in usage["server_usages"]] == ["active", "terminated"]
    assert bob.get(path).status_code == 403
    everyone = admin.get("/os-simple-tenant-usage", **period).json()["tenant_usages"]
    assert {u["tenant_id"] for u in everyone} == {alice.project_id, bob.project_id}
    assert "server_usages" not in everyone[0]
    page = alice.at("2.40").get(path, limit=1).json()
    assert len(page["tenant_usage"]["server_usages"]) == 1
    marker = page["tenant_usage"]["server_usages"][0]["instance_id"]
    assert f"marker={marker}" in page["tenant_usage_links"][0]["href"]
    assert len(alice.at("2.40").get(path, limit=5, marker=marker).json()["tenant_usage"]["server_usages"]) == 1
    for bad in ({"start": "x"}, {"start": "2030-01-01", "end": "2029-01-01"}):
        assert alice.get(path, **bad).status_code == 400
    with django_assert_num_queries(1):
        admin.at("2.96").get("/os-simple-tenant-usage")


def test_extensions(alice: Any) -> None:
    found = alice.get("/extensions").json()["extensions"]
    assert all(set(e) == {"alias", "name", "description", "namespace", "updated", "links"} for e in found)
    for alias in ("os-keypairs", "os-consoles"):
        assert alice.get(f"/extensions/{alias}").json()["extension"]["alias"] == alias
        assert alias in {e["alias"] for e in found}
    assert alice.get("/extensions/os-nothing").status_code == 404
