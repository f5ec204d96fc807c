"""network_data.json of a subnet without DHCP lacked routes and name servers, which DHCP would have provided."""

import uuid

from workers.drivers.network.base import FixedIP, HostRoute, NetworkSpec, PortSpec, SubnetSpec
from workers.mapping import config_drives


def test_all_that_dhcp_would_tell() -> None:
    subnet = SubnetSpec(
        id=str(uuid.uuid4()),
        cidr="10.0.0.0/24",
        gateway_ip="10.0.0.1",
        dhcp_enabled=False,
        dns_nameservers=("10.0.0.53",),
        host_routes=(HostRoute(destination="192.168.0.0/16", nexthop="10.0.0.9"),),
    )
    network = NetworkSpec(id=str(uuid.uuid4()), bridge="br", subnets=(subnet,))
    port = PortSpec(
        id=str(uuid.uuid4()), tap="tap0", mac="fa:16:3e:00:00:01", fixed_ips=(FixedIP(subnet.id, "10.0.0.5"),)
    )
    document = config_drives.network_data([(network, port)])
    (described,) = document["networks"]
    assert described["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"},
        {"network": "192.168.0.0", "netmask": "255.255.0.0", "gateway": "10.0.0.9"},
    ]
    assert described["services"] == document["services"] == [{"type": "dns", "address": "10.0.0.53"}]
