"""This machine as a chassis of OVN: what ovn-controller reads from Open vSwitch's database, and the bridges."""

from deploy.ovn.datapath import NETDEV, Datapath
from deploy.ovn.places import Places, vsctl
from deploy.ovn.settings import OvnSettings


def identify(places: Places, settings: OvnSettings, datapath: Datapath, *, name: str, southbound: str) -> None:
    """Write the chassis' name, tunnel address and datapath. Only the database has to run: the switch reads it later."""
    keys = {
        "system-id": name,
        "hostname": name,
        "ovn-remote": southbound,
        "ovn-encap-type": "geneve",
        "ovn-encap-ip": settings.tunnel_address,
        "ovn-bridge-datapath-type": datapath.kind,
        # One query for everything: cheaper for the southbound database than a condition per network of each host.
        "ovn-monitor-all": "true",
        "ovn-openflow-probe-interval": "60",
        "ovn-bridge-mappings": ",".join(f"{network}:{bridge}" for network, bridge in settings.mappings.items()),
    }
    arguments = [f"external_ids:{key}={_quoted(value)}" for key, value in keys.items()]
    segmentation = "true" if datapath.kind == NETDEV and datapath.segmentation else "false"
    arguments.append(f"other_config:userspace-tso-enable={segmentation}")
    vsctl(places, "--no-wait", "init", "--", "set", "Open_vSwitch", ".", *arguments)


def make_bridges(places: Places, settings: OvnSettings, datapath: Datapath) -> None:
    """Have the bridges of the physical networks in the database. br-int is ovn-controller's."""
    arguments: list[str] = []
    for bridge in settings.mappings.values():
        arguments += ["--", "--may-exist", "add-br", bridge]
        arguments += ["--", "set", "Bridge", bridge, f"datapath_type={datapath.kind}", "fail_mode=standalone"]
    vsctl(places, *arguments[1:])


def _quoted(value: str) -> str:
    """Return a value that ovs-vsctl takes for one string, colons and commas included."""
    return f'"{value}"'
