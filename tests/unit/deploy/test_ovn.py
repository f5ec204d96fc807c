"""OVN under the supervisor: settings, databases, the choice of a datapath, rules of the external network."""

import json
import re
import socket
import subprocess
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from deploy import packages, ports, secrets
from deploy.environment import DEFAULTS, Environment
from deploy.errors import DeployError
from deploy.instances import libvirt
from deploy.ovn import (
    central,
    daemons,
    databases,
    datapath,
    external,
    health,
    places,
    plugging,
    settings,
    tunnel,
)
from deploy.ovn.datapath import Datapath
from deploy.supervision import config, programs

installed = pytest.mark.skipif(not Path("/usr/share/ovn/ovn-nb.ovsschema").exists(), reason="OVN is not installed")


def cloud(tmp_path: Path, **changed: str) -> Environment:
    values = {**DEFAULTS, **secrets.generate(), "CELERITY_HOST": "h1"}
    return Environment(tmp_path, {**values, **{f"CELERITY_{name}": value for name, value in changed.items()}})


def test_only_real_guests_need_it(tmp_path: Path) -> None:
    assert cloud(tmp_path).ovn
    assert not cloud(tmp_path, HYPERVISOR="simulated").ovn
    assert programs.network(cloud(tmp_path, HYPERVISOR="simulated")) == []


@pytest.mark.parametrize(
    ("changed", "runs"),
    [
        ({}, True),
        ({"HYPERVISOR": "simulated"}, False),
        ({"HYPERVISOR": "simulated", "NETWORK_WORKER": "yes"}, True),
        ({"ROLE": "host"}, False),
    ],
)
def test_where_the_network_worker_runs(tmp_path: Path, changed: dict[str, str], runs: bool) -> None:
    assert ("network-worker" in {program.name for program in programs.cloud(cloud(tmp_path, **changed))}) is runs


def test_defaults_are_usable(tmp_path: Path) -> None:
    found = settings.read(cloud(tmp_path))
    assert (found.datapath, found.offloads, found.mappings) == ("auto", "single-host", {"public": "br-ex"})
    assert str(found.external_address) == "198.19.0.1/24"
    assert found.external_bridge == "br-ex"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATAPATH", "kernel"),
        ("NETDEV_OFFLOADS", "on"),
        ("EXTERNAL_CIDR", "198.19.0.7/24"),
        ("EXTERNAL_CIDR", "198.19.0.0/30"),
        ("EXTERNAL_CIDR", "0.0.0.0/0"),
        ("EXTERNAL_CIDR", "fd00::/64"),
        ("EXTERNAL_CIDR", '198.19.0.0/24"'),
        ("BRIDGE_MAPPINGS", "public"),
        ("BRIDGE_MAPPINGS", "public:br-ex,"),
        ("BRIDGE_MAPPINGS", "public:br-ex,other:br-ex"),
        ("BRIDGE_MAPPINGS", "public:br-ex,public:br-2"),
        ("BRIDGE_MAPPINGS", "public:br-int"),
        ("BRIDGE_MAPPINGS", "public:a-name-of-sixteen"),
        ("BRIDGE_MAPPINGS", "public:--may-exist"),
        ("TUNNEL_ADDRESS", "host.example.org"),
        ("MANAGEMENT_RANGES", "10.0.0.1/8"),
        ("SOUTHBOUND_LISTEN", "central:6642"),
        ("SOUTHBOUND_LISTEN", "192.0.2.1:99999"),
        ("SOUTHBOUND", "tcp:192.0.2.1:6642"),
        ("TUNNEL_UPLINK", "a name"),
        ("SOUTHBOUND", "ssl:central:6642"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(DeployError, match=f"CELERITY_{name}"):
        settings.read(cloud(tmp_path, **{name: value}))


def test_tunnels_of_several_hosts_end_at_no_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(settings, "own_address", lambda towards: asked.append(towards) or "127.0.0.1")
    assert settings.read(cloud(tmp_path)).tunnel_address == "127.0.0.1"
    for several in ({"SOUTHBOUND": "ssl:192.0.2.9:6642"}, {"SOUTHBOUND_LISTEN": "192.0.2.9:6642"}):
        with pytest.raises(DeployError, match="CELERITY_TUNNEL_ADDRESS"):
            settings.read(cloud(tmp_path, **several))
        assert settings.read(cloud(tmp_path, **several, TUNNEL_ADDRESS="192.0.2.7")).tunnel_address == "192.0.2.7"
    assert asked == ["203.0.113.1", "192.0.2.9", "203.0.113.1"]


def test_the_public_network_on_an_operators_bridge_is_left_alone(tmp_path: Path) -> None:
    assert settings.read(cloud(tmp_path, BRIDGE_MAPPINGS="public:br-uplink")).external_bridge is None
    assert settings.read(cloud(tmp_path, BRIDGE_MAPPINGS="fabric:br-ex")).external_bridge is None


@pytest.mark.parametrize(
    ("wished", "kernel", "others", "expected"),
    [
        ("auto", True, [], "system"),
        ("auto", True, [7], "netdev"),
        ("auto", False, [], "netdev"),
        ("netdev", True, [], "netdev"),
        ("system", True, [], "system"),
        ("system", True, [7], "process 7"),
        ("system", False, [], "no openvswitch"),
    ],
)
def test_the_datapath(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wished: str, kernel: bool, others: list[int], expected: str
) -> None:
    monkeypatch.setattr(datapath, "kernel_has_openvswitch", lambda: kernel)
    monkeypatch.setattr(datapath, "other_switches", lambda here: others)
    monkeypatch.setattr(datapath, "version", lambda: (3, 1, 0))
    environment = cloud(tmp_path, DATAPATH=wished)
    if expected in {"system", "netdev"}:
        assert datapath.choose(settings.read(environment), places.of(environment)).kind == expected
    else:
        with pytest.raises(DeployError, match=expected):
            datapath.choose(settings.read(environment), places.of(environment))


def test_an_uplink_has_the_tunnels_address_and_no_default_route(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = {"eth1": ["192.0.2.2/24"], "br-tunnel": []}
    monkeypatch.setattr(external, "addresses", lambda device: [IPv4Interface(a) for a in addresses[device]])
    monkeypatch.setattr(external, "default_devices", lambda: {"eth0"})
    used = Datapath("netdev", segmentation=False)
    tunnel.check(settings.read(cloud(tmp_path, TUNNEL_UPLINK="eth1", TUNNEL_ADDRESS="192.0.2.2")), used)
    other = settings.read(cloud(tmp_path, TUNNEL_UPLINK="eth1", TUNNEL_ADDRESS="192.0.2.3"))
    with pytest.raises(DeployError, match=r"eth1 does not have the address 192\.0\.2\.3"):
        tunnel.check(other, used)
    tunnel.check(other, Datapath("system", segmentation=True))  # the kernel's needs no bridge
    monkeypatch.setattr(external, "default_devices", lambda: {"eth1"})
    with pytest.raises(DeployError, match="default route"):
        tunnel.check(settings.read(cloud(tmp_path, TUNNEL_UPLINK="eth1", TUNNEL_ADDRESS="192.0.2.2")), used)


def test_a_range_that_the_machine_routes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    routes = [{"dst": "default", "dev": "eth0"}, {"dst": "198.19.0.0/24", "dev": "br-ex"}]
    monkeypatch.setattr(external, "_ip", lambda *arguments: routes)
    external.require_free(settings.read(cloud(tmp_path)))
    routes.append({"dst": "198.19.0.128", "dev": "tun0"})
    with pytest.raises(DeployError, match=r"198\.19\.0\.128 dev tun0"):
        external.require_free(settings.read(cloud(tmp_path)))
    external.require_free(settings.read(cloud(tmp_path, BRIDGE_MAPPINGS="public:br-uplink")))


def test_rules_close_management_ranges(tmp_path: Path) -> None:
    text = external.rules(settings.read(cloud(tmp_path, MANAGEMENT_RANGES="10.1.0.0/16, fd00:1::/64")), "br-ex")
    for closed in ("ip daddr 169.254.0.0/16", "ip daddr 10.1.0.0/16", "ip6 daddr fd00:1::/64"):
        assert f'iifname "br-ex" {closed} drop' in text


@installed
def test_every_path_of_a_daemon_is_in_the_state(tmp_path: Path) -> None:
    environment = cloud(tmp_path)
    found = daemons.daemons(places.of(environment), settings.read(environment), Datapath("netdev", segmentation=True))
    assert tuple(daemon.name for daemon in found) == daemons.NAMES
    assert sorted(name for names in daemons.STOPS for name in names) == sorted(daemons.NAMES)
    for daemon in found:
        named = re.findall(r"(?:^|[=:])(/[^ ]+)", " ".join(daemon.command[1:]))
        assert all(path.startswith(f"{tmp_path}/ovn/") for path in named), daemon
        assert "--detach" not in daemon.command
        assert daemon.environment["OVS_RUNDIR"] == f"{tmp_path}/ovn/host"


@installed
def test_another_offload_mode_restarts_the_switch_alone(tmp_path: Path) -> None:
    here, wanted = places.of(cloud(tmp_path)), settings.read(cloud(tmp_path))
    one, other = (daemons.daemons(here, wanted, Datapath("netdev", segmentation=whole)) for whole in (True, False))
    assert [a.name for a, b in zip(one, other, strict=True) if a != b] == ["ovs-vswitchd"]


@installed
def test_only_the_first_machine_has_the_databases(tmp_path: Path) -> None:
    further = cloud(tmp_path, SOUTHBOUND="ssl:192.0.2.1:6642")
    found = daemons.commands(places.of(further), settings.read(further))
    assert set(found) == {"ovs-db", "ovs-vswitchd", "ovn-controller"}
    assert f"--private-key={tmp_path}/pki/host.pem" in found["ovn-controller"]


@installed
def test_the_southbound_database_alone_listens(tmp_path: Path) -> None:
    plain, first = cloud(tmp_path), cloud(tmp_path, SOUTHBOUND_LISTEN="[::]:7642")
    before = daemons.commands(places.of(plain), settings.read(plain))
    after = daemons.commands(places.of(first), settings.read(first))
    assert [name for name in before if before[name] != after[name]] == ["ovn-sb"]
    assert central.target(settings.read(first)) == "pssl:7642:[::]"
    assert ("::", 7642) in {(endpoint.host, endpoint.port) for endpoint in ports.endpoints(first)}


@installed
def test_new_code_of_ours_changes_no_daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datapath, "kernel_has_openvswitch", lambda: False)
    before = config.render(cloud(tmp_path), programs.network(cloud(tmp_path)))
    monkeypatch.setattr(programs, "release", lambda: "other")
    assert config.render(cloud(tmp_path), programs.network(cloud(tmp_path, REGION="Two"))) == before


@pytest.fixture
def database(tmp_path: Path) -> databases.Database:
    schema = tmp_path / "new.ovsschema"
    schema.write_text(_schema("2.0.0", ("name", "colour")))
    return databases.Database(tmp_path / "a.db", schema, tmp_path / "a.sock")


def _schema(version: str, columns: tuple[str, ...]) -> str:
    tables = {"Thing": {"columns": {column: {"type": "string"} for column in columns}, "isRoot": True}}
    return json.dumps({"name": "Things", "version": version, "cksum": "1 2", "tables": tables})


def _tool(*arguments: str) -> str:
    return subprocess.run(["ovsdb-tool", *arguments], capture_output=True, text=True, check=True).stdout.strip()


def _old(database: databases.Database, version: str) -> None:
    old = database.file.with_name("old.ovsschema")
    old.write_text(_schema(version, ("name",)))
    _tool("create", str(database.file), str(old))
    _tool("transact", str(database.file), '["Things", {"op": "insert", "table": "Thing", "row": {"name": "kept"}}]')


def _names(database: databases.Database) -> str:
    return _tool("query", str(database.file), '["Things", {"op": "select", "table": "Thing", "where": []}]')


@installed
def test_a_database_is_made_once(database: databases.Database) -> None:
    databases.prepare(database)
    before = database.file.read_bytes()
    databases.prepare(database)
    assert database.file.read_bytes() == before
    assert {path.name for path in database.file.parent.iterdir()} == {"a.db", "new.ovsschema"}


@installed
@pytest.mark.parametrize(("version", "after"), [("1.9.9", "2.0.0"), ("2.0.0", "2.0.0"), ("2.0.1", "2.0.1")])
def test_a_database_is_converted_forward_only(database: databases.Database, version: str, after: str) -> None:
    _old(database, version)
    databases.prepare(database)
    assert _tool("db-version", str(database.file)) == after
    assert '"kept"' in _names(database)


@installed
def test_an_unreadable_database_is_put_aside(database: databases.Database) -> None:
    database.file.write_bytes(b"\0" * 100)
    databases.prepare(database)
    assert _tool("db-version", str(database.file)) == "2.0.0"
    assert database.file.with_suffix(".unreadable").stat().st_size == 100


@pytest.fixture
def way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> places.Places:
    """A machine where libvirt runs that knows nothing of our Open vSwitch."""
    monkeypatch.setattr(plugging, "FIXED", tmp_path / "run" / "db.sock")
    monkeypatch.setattr(plugging, "_are_configured", lambda here: [False])
    return places.of(cloud(tmp_path))


def test_a_libvirt_of_others_finds_a_link(way: places.Places) -> None:
    assert not plugging.reaches(way)
    plugging.ensure(way)
    plugging.ensure(way)
    assert plugging.FIXED.readlink() == way.host / "db.sock"
    assert plugging.reaches(way)
    plugging.remove(way)
    assert list(plugging.FIXED.parent.iterdir()) == []


def test_another_open_vswitch_is_not_pushed_aside(way: places.Places) -> None:
    plugging.FIXED.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(plugging.FIXED))
        other.listen()
        with pytest.raises(DeployError, match="another Open vSwitch"):
            plugging.ensure(way)
    plugging.remove(way)
    assert plugging.FIXED.is_socket()


def test_a_libvirt_that_knows_ours_needs_no_link(way: places.Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugging, "_are_configured", lambda here: [True])
    plugging.ensure(way)
    assert not plugging.FIXED.parent.exists()


def test_our_libvirt_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvirt, "programs", lambda: [["/usr/sbin/libvirtd"]])
    found = {p.name: p for p in programs.services(cloud(tmp_path), with_libvirt=True)}
    assert found["libvirtd"].environment.get("OVS_RUNDIR") == f"{tmp_path}/ovn/host"


def test_health_says_what_is_wrong() -> None:
    assert health.Health(follows=True, translates=True, chassis=2, ports=7).well
    assert str(health.Health(follows=True, translates=True, chassis=2, ports=7)) == "2 chassis, 7 ports bound"
    for follows, translates, chassis, said in (
        (False, True, 1, "ovn-controller"), (True, False, 1, "ovn-northd"), (False, False, None, "southbound"),
    ):  # fmt: skip
        found = health.Health(follows=follows, translates=translates, chassis=chassis, ports=0)
        assert not found.well
        assert said in str(found)


def test_packages_of_ovn_are_a_section_of_their_own() -> None:
    found = packages.sections()
    assert {"openvswitch-switch", "ovn-central", "ovn-host"} == set(found["ovn"])
