"""Query parameters of every list."""

import pytest

from tests.api.bad_input.world import NOWHERE, World

COMPUTE, IMAGE, NETWORK = "/compute/v2.1", "/image/v2", "/network/v2.0"

REFUSED = [
    (f"{COMPUTE}/servers?limit=-1", 400, "limit"),
    (f"{COMPUTE}/servers?limit=many", 400, "limit"),
    (f"{COMPUTE}/servers?limit=1e3", 400, "limit"),
    (f"{COMPUTE}/servers?limit=%C2%B2", 400, "limit"),
    (f"{COMPUTE}/servers?marker={NOWHERE}", 400, "marker"),
    (f"{COMPUTE}/servers?marker=x", 400, "marker"),
    (f"{COMPUTE}/servers?sort_key=colour", 400, "sort"),
    (f"{COMPUTE}/servers?sort_key=name&sort_dir=up", 400, "sort_dir"),
    (f"{COMPUTE}/servers?changes-since=yesterday", 400, "changes-since"),
    (f"{COMPUTE}/servers?changes-since=9999-99-99T00:00:00Z", 400, "changes-since"),
    (f"{COMPUTE}/servers?status=FLYING", 400, "status"),
    (f"{COMPUTE}/servers?name=(", 400, "name"),
    (f"{COMPUTE}/servers?name=a**", 400, "name"),
    (f"{COMPUTE}/servers?name=%00", 400, ""),
    (f"{COMPUTE}/servers?colour=red", 400, "colour"),
    (f"{COMPUTE}/servers?{'name=a&' * 1001}", 400, "too many parameters"),
    (f"{NETWORK}/ports?{'name=a&' * 1001}", 400, "too many parameters"),
    (f"{COMPUTE}/servers?all_tenants=maybe", 400, "all_tenants"),
    (f"{COMPUTE}/servers?all_tenants=1", 403, "all_tenants"),
    (f"{COMPUTE}/servers/detail?limit=-1", 400, "limit"),
    (f"{COMPUTE}/flavors?limit=-1", 400, "limit"),
    (f"{COMPUTE}/flavors?marker=none", 400, "marker"),
    (f"{COMPUTE}/flavors?minRam=much", 400, "minRam"),
    (f"{COMPUTE}/flavors/detail?is_public=perhaps", 400, "is_public"),
    (f"{COMPUTE}/flavors?sort_key=colour", 400, "sort"),
    (f"{COMPUTE}/os-keypairs?limit=-1", 400, "limit"),
    (f"{COMPUTE}/os-keypairs?marker=none", 400, "marker"),
    (f"{COMPUTE}/limits?reserved=maybe&x=1", 400, ""),
    (f"{COMPUTE}/os-hypervisors", 403, "hypervisors"),
    (f"{COMPUTE}/os-services", 403, "services"),
    (f"{IMAGE}/images?limit=-1", 400, "limit"),
    (f"{IMAGE}/images?limit=x", 400, "limit"),
    (f"{IMAGE}/images?marker={NOWHERE}", 400, "marker"),
    (f"{IMAGE}/images?marker=x", 400, "marker"),
    (f"{IMAGE}/images?sort_key=colour", 400, "sort"),
    (f"{IMAGE}/images?sort=name:up", 400, "sort"),
    (f"{IMAGE}/images?visibility=invisible", 400, "visibility"),
    (f"{IMAGE}/images?size_min=big", 400, "size_min"),
    (f"{IMAGE}/images?created_at=gt:never", 400, "created_at"),
    (f"{IMAGE}/images?protected=maybe", 400, "protected"),
    (f"{NETWORK}/networks?limit=-1", 400, "limit"),
    (f"{NETWORK}/networks?limit=x", 400, "limit"),
    (f"{NETWORK}/networks?marker={NOWHERE}&limit=1", 404, NOWHERE),
    (f"{NETWORK}/networks?sort_key=colour", 400, "sort"),
    (f"{NETWORK}/networks?sort_key=name&sort_dir=up", 400, "sort_dir"),
    (f"{NETWORK}/networks?admin_state_up=maybe", 400, "admin_state_up"),
]
# What compares with nothing finds nothing, or is no parameter of theirs; it must not be an error of ours.
HARMLESS = [
    f"{COMPUTE}/servers?limit={10**30}",
    f"{COMPUTE}/servers?limit=0",
    f"{COMPUTE}/servers?ip=(((",
    f"{COMPUTE}/servers?ip=%ff",
    f"{COMPUTE}/servers?name=%ff",
    f"{COMPUTE}/servers?image=x",
    f"{COMPUTE}/servers?flavor={'9' * 500}",
    f"{COMPUTE}/servers?tags=a,b",
    f"{COMPUTE}/flavors?minDisk={10**15}",
    f"{COMPUTE}/os-keypairs?user_id={'x' * 3000}",
    f"{IMAGE}/images?limit={10**30}",
    f"{IMAGE}/images?size_min={10**30}",
    f"{IMAGE}/images?min_disk={10**30}",
    f"{IMAGE}/images?id=in:x,y",
    f"{IMAGE}/images?id=x",
    f"{IMAGE}/images?name=%ff",
    f"{IMAGE}/images?tag=%22",
    f"{IMAGE}/images?colour=red",
    f"{NETWORK}/networks?limit={10**30}",
    f"{NETWORK}/networks?id=x",
    f"{NETWORK}/networks?mtu={10**30}",
    f"{NETWORK}/networks?name=%ff",
    f"{NETWORK}/networks?revision_number={10**30}",
    f"{NETWORK}/subnets?cidr=x",
    f"{NETWORK}/subnets?ip_version=x",
    f"{NETWORK}/subnets?gateway_ip=x",
    f"{NETWORK}/subnets?network_id=x",
    f"{NETWORK}/ports?fixed_ips=ip_address=x",
    f"{NETWORK}/ports?fixed_ips=ip_address_substr=(x",
    f"{NETWORK}/ports?fixed_ips=colour=red",
    f"{NETWORK}/subnets?gateway_ip=10.0.0.1%25x",
    f"{NETWORK}/security-group-rules?remote_ip_prefix=x",
    f"{COMPUTE}/os-simple-tenant-usage?start=yesterday",
    f"{NETWORK}/ports?mac_address=x",
    f"{NETWORK}/ports?device_id={'x' * 3000}",
    f"{NETWORK}/security-groups?id=x",
    f"{NETWORK}/security-group-rules?security_group_id=x",
    f"{NETWORK}/security-group-rules?port_range_min={10**30}",
    f"{NETWORK}/security-group-rules?port_range_min=x",
    "/identity/v3/users?name=%ff",
    "/identity/v3/users?domain_id=x",
    "/identity/v3/users?enabled=maybe",
    "/identity/v3/projects?parent_id=x",
    "/identity/v3/role_assignments?user.id=x",
]


@pytest.mark.parametrize(("path", "code", "says"), REFUSED, ids=[path for path, *_ in REFUSED])
def test_refused(world: World, path: str, code: int, says: str) -> None:
    world.refuses(code, "GET", path, says=says, who="admin" if "is_public" in path else "demo")


@pytest.mark.parametrize("path", HARMLESS, ids=[path[:80] for path in HARMLESS])
def test_harmless(world: World, path: str) -> None:
    response = world.call("GET", path, who="admin")
    assert response.status_code in (200, 400), response.content[:500]
