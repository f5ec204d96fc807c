"""A further machine of a cloud under OVN: it joins by its certificate, changes its own chassis, and carries packets."""

import fcntl
import socket
import struct
from array import array
from pathlib import Path

import pytest

from deploy.environment import Environment
from deploy.errors import DeployError
from deploy.ovn import health, places, removal
from deploy.private.ovn import down, make_environment, namespace, supervised, up, wait_for
from tests.host.ovn_machine import MARKS, address, cable, connects, devices, pings
from workers.system.pki import renewal

pytestmark = MARKS
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
CENTRAL, FIRST, SECOND = "10.9.9.1:6642", "10.8.8.1", "10.8.8.2"


def join(first: Environment, second: Environment) -> None:
    """Give the second machine a certificate, as `manage.py certificates` does."""
    authority, host = renewal.authority_of(first.state), renewal.host_of(second.state)
    host.install(authority.sign(host.request(second.hostname), second.hostname), authority.certificate())


def sbctl(environment: Environment, *arguments: str) -> str:
    """Speak to the southbound database with this machine's certificate; return the output or the error."""
    here = places.of(environment)
    done = places.run("ovn-sbctl", f"--db=ssl:{CENTRAL}", "--timeout=5", *here.tls, *arguments, check=False)
    return done.stdout if done.returncode == 0 else done.stderr


def check_role(second: Environment) -> None:
    """A machine changes its own chassis, and neither another's nor what all share."""
    assert "external_ids" not in sbctl(second, "set", "Chassis", "h2", "external_ids:tried=yes")
    for refused in (
        ("chassis-del", "h1"), ("set", "Chassis", "h1", "external_ids:tried=yes"), ("del-connection",),
        ("--", "--all", "destroy", "Logical_Flow"),
    ):  # fmt: skip
        assert "permission error" in sbctl(second, *refused), refused
    stranger = places.run("ovn-sbctl", "--db=tcp:10.9.9.1:6642", "--timeout=3", "show", check=False)
    assert stranger.returncode != 0


def finish_checksums(device: str) -> None:
    """Have a device finish its checksums itself, as a guest's card does whose offloads are off."""
    value = array("I", [ETHTOOL_STXCSUM, 0])
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sQ", device.encode(), value.buffer_info()[0]))


def plug(environment: Environment, guest: int, number: int) -> None:
    """Plug a guest's namespace into the switch of the machine that this thread is on."""
    name = f"p{number}"
    cable(f"tap{number}", guest, "eth0")
    places.vsctl(
        places.of(environment), "add-port", "br-int", f"tap{number}",
        "--", "set", "Interface", f"tap{number}", f"external_ids:iface-id={name}",
    )  # fmt: skip
    with namespace(guest):
        finish_checksums("eth0")
        address("eth0", f"10.0.0.{number}/24")
        places.run("ip", "link", "set", "eth0", "mtu", "1400", "address", f"fa:16:3e:00:00:0{number}")


def machine(state: Path, host: str, tunnel: str, **more: str) -> Environment:
    state.mkdir(exist_ok=True)
    settings = {"NETDEV_OFFLOADS": "multi-host", "DATAPATH": "netdev", "TUNNEL_ADDRESS": tunnel, "TUNNEL_UPLINK": "up0"}
    settings |= {"BRIDGE_MAPPINGS": "public:br-uplink", **more}
    return make_environment(state, host, **{f"CELERITY_{name}": value for name, value in settings.items()})


def describe_network(first: Environment) -> None:
    """Give the two guests' network to OVN."""
    northbound = ("ovn-nbctl", f"--db={places.of(first).northbound}", "--timeout=5", "--wait=sb")
    places.run(*northbound, "ls-add", "net")
    for number in (1, 2):
        port, addresses = f"p{number}", f"fa:16:3e:00:00:0{number} 10.0.0.{number}"
        places.run(*northbound, "lsp-add", "net", port, "--", "lsp-set-addresses", port, addresses)


def test_a_second_machine_joins_and_carries_packets(state_directory: Path) -> None:
    first = machine(state_directory, "h1", FIRST, SOUTHBOUND_LISTEN=CENTRAL)
    second = machine(state_directory / "second", "h2", SECOND, SOUTHBOUND=f"ssl:{CENTRAL}")
    with namespace() as guest1, namespace() as guest2, namespace() as far, namespace():
        cable("control", far, "control")
        cable("up0", far, "up0")
        address("control", "10.9.9.1/24")
        address("up0", f"{FIRST}/24")
        with supervised(first) as here:
            up(first, here)
            plug(first, guest1, 1)
            with namespace(far), supervised(second) as there:
                address("control", "10.9.9.2/24")
                address("up0", f"{SECOND}/24")
                with pytest.raises(DeployError, match="no valid certificate"):
                    up(second, there)
                join(first, second)
                up(second, there)
                assert set(there.states()) == {"ovs-db", "ovs-vswitchd", "ovn-controller"}
                assert health.examine(places.of(second)).well
                plug(second, guest2, 2)
                describe_network(first)
                check_role(second)
                check_traffic(guest1, guest2)
                assert health.examine(places.of(first)).chassis == 2
                down(there)
                assert "br-tunnel" in removal.remove(places.of(second))
                assert devices() == {"lo", "control", "up0", "tap2"}
                wait_for(lambda: pings(FIRST), 10, "the first machine, by the uplink that has its address back")


def check_traffic(guest1: int, guest2: int) -> None:
    """Two guests on two machines: TCP too, which bad checksums kill while ping passes."""
    with namespace(guest2):
        server = socket.create_server(("10.0.0.2", 80))
    with namespace(guest1), server:
        wait_for(lambda: pings("10.0.0.2"), 20, "a guest on the other machine")
        assert connects("10.0.0.2", 80)
