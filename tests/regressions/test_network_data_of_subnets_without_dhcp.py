"""network_data.json of a subnet without DHCP lacked routes and name servers, which DHCP would have provided."""

from apps.metadata import documents
from tests.unit.metadata import samples


def test_all_that_dhcp_would_tell() -> None:
    subnet = samples.subnet(
        enable_dhcp=False, dns_nameservers=("10.0.0.53",), host_routes=(("192.168.0.0/16", "10.0.0.9"),)
    )
    document = documents.network_data([samples.port(subnet)])
    (described,) = document["networks"]
    assert described["routes"] == [
        {"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"},
        {"network": "192.168.0.0", "netmask": "255.255.0.0", "gateway": "10.0.0.9"},
    ]
    assert described["services"] == document["services"] == [{"type": "dns", "address": "10.0.0.53"}]
