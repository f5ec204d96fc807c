"""The external network: a guest goes out and comes in through the machine, and does not reach the machine."""

import shlex
import socket
import subprocess
from pathlib import Path

from deploy.ovn import places, removal
from deploy.private.ovn import down, make_environment, namespace, supervised, up, wait_for
from tests.host.ovn_machine import MARKS, address, cable, connects, pings

pytestmark = MARKS
METADATA = "169.254.169.254"
ROUTER = """
--may-exist ls-add net -- lsp-add net guest -- lsp-set-addresses guest "fa:16:3e:00:00:11 10.0.0.11"
ls-add ext -- lsp-add ext uplink -- lsp-set-type uplink localnet -- lsp-set-addresses uplink unknown
lsp-set-options uplink network_name=public
lr-add r -- lrp-add r r-in fa:16:3e:00:00:01 10.0.0.1/24 -- lrp-add r r-ex fa:16:3e:00:00:02 198.19.0.2/24
lrp-set-gateway-chassis r-ex h1 10 -- lr-route-add r 0.0.0.0/0 198.19.0.1
lr-nat-add r snat 198.19.0.2 10.0.0.0/24 -- lr-nat-add r dnat_and_snat 198.19.0.10 10.0.0.11
lsp-add net in -- lsp-set-type in router -- lsp-set-addresses in router -- lsp-set-options in router-port=r-in
lsp-add ext out -- lsp-set-type out router -- lsp-set-addresses out router -- lsp-set-options out router-port=r-ex
"""


def test_a_guest_reaches_the_world_and_not_the_machine(state_directory: Path) -> None:
    """Through a router of OVN, the machine's bridge and its masquerade; and in, by a floating IP."""
    environment = make_environment(state_directory, "h1")
    here = places.of(environment)
    with namespace() as world, namespace() as guest, namespace(), supervised(environment) as supervisor:
        up(environment, supervisor)
        cable("uplink0", world, "far")
        address("uplink0", "10.77.0.2/24")
        cable("tap0", guest, "eth0")
        for line in ROUTER.strip().splitlines():
            places.run("ovn-nbctl", f"--db={here.northbound}", "--timeout=5", *shlex.split(line))
        interface = ("--", "set", "Interface", "tap0", "external_ids:iface-id=guest")
        places.vsctl(here, "add-port", "br-int", "tap0", *interface)
        with namespace(world), socket.create_server(("0.0.0.0", 80)) as server:
            address("far", "10.77.0.1/24")
            address("far", f"{METADATA}/32")
            with namespace(guest):
                subprocess.run(["ip", "link", "set", "eth0", "address", "fa:16:3e:00:00:11"], check=True)
                address("eth0", "10.0.0.11/24", via="10.0.0.1")
                wait_for(lambda: pings("10.77.0.1"), 20, "the world")
                assert connects("10.77.0.1", 80)
            connection, (client, _) = server.accept()
            connection.close()
            assert client == "10.77.0.2"  # masqueraded: the world knows no floating IP
        assert pings("198.19.0.10")  # the machine, by the floating IP
        subprocess.run(["ip", "route", "add", METADATA, "via", "10.77.0.1"], check=True)
        assert pings(METADATA)  # the service of the machine below, which is the machine's alone
        with socket.create_server(("0.0.0.0", 8000)), namespace(guest):
            assert pings("198.19.0.1")
            assert not connects("198.19.0.1", 8000)
            assert not connects("10.77.0.2", 8000)
            assert not pings(METADATA)
        with socket.create_server(("0.0.0.0", 8000)):
            assert connects("198.19.0.1", 8000)  # the machine itself
        down(supervisor)
        removal.remove(here)
        subprocess.run(["ip", "link", "delete", "tap0"], check=True)
