"""Where other hosts reach the southbound database: by TLS, each in a role that covers one chassis.

The role `ovn-controller` lets a host change the rows of the chassis whose name its certificate has. What it does not
cover: a host reads every network, binds any port to itself, and writes learned addresses (MAC_Binding, FDB).
"""

from deploy.ovn.places import Places, run
from deploy.ovn.settings import OvnSettings

ROLE = "role=ovn-controller"


def target(settings: OvnSettings) -> str:
    """Return the address as OVSDB has it, empty where nothing is to listen."""
    if settings.southbound is None:
        return ""
    address, port = settings.southbound
    return f"pssl:{port}:[{address}]" if ":" in address else f"pssl:{port}:{address}"


def listen(places: Places, settings: OvnSettings) -> None:
    """Have the southbound database listen where the settings say, or on its socket alone. It has to run."""
    wanted = target(settings)
    tool = ("ovn-sbctl", f"--db={places.southbound}", "--timeout=10")
    run(*tool, *(("set-connection", ROLE, wanted) if wanted else ("del-connection",)))
