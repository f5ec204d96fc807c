"""This machine as a chassis of OVN: what ovn-controller reads from Open vSwitch's database, and the bridges."""

from deploy.ovn.datapath import NETDEV, Datapath
from deploy.ovn.places import Places, vsctl
from deploy.ovn.settings import LOCAL, LOCAL_BRIDGE, OvnSettings


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
        "ovn-bridge-mappings": ",".join(
            f"{network}:{bridge}" for network, bridge in {**settings.mappings, LOCAL: LOCAL_BRIDGE}.items()
        ),
    }
    arguments = [f"external_ids:{key}={_quoted(value)}" for key, value in keys.items()]
    segmentation = "true" if datapath.kind == NETDEV and datapath.segmentation else "false"
    arguments.append(f"other_config:userspace-tso-enable={segmentation}")
    vsctl(places, "--no-wait", "init", "--", "set", "Open_vSwitch", ".", *arguments)


def make_bridges(places: Places, settings: OvnSettings, datapath: Datapath) -> None:
    """Have the bridges of the physical networks in the database, and the one without a way out. br-int is
    ovn-controller's.
    """
    arguments: list[str] = []
    modes = {**dict.fromkeys(settings.mappings.values(), "standalone"), LOCAL_BRIDGE: "secure"}
    for bridge, mode in modes.items():  # `secure` without a controller: no flows, so everything is dropped
        arguments += ["--", "--may-exist", "add-br", bridge]
        arguments += ["--", "set", "Bridge", bridge, f"datapath_type={datapath.kind}", f"fail_mode={mode}"]
    vsctl(places, *arguments[1:])


def _quoted(value: str) -> str:
    """Return a value that ovs-vsctl takes for one string, colons and commas included."""
    return f'"{value}"'
