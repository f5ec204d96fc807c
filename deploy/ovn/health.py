"""Whether OVN's daemons do their work, by their own word."""

from deploy.ovn.places import Places, answer


def follows(places: Places) -> bool:
    """Say whether ovn-controller is connected to the southbound database."""
    return answer(places, "ovn-controller", "connection-status") == "connected"


def translates(places: Places) -> bool:
    """Say whether ovn-northd is active: it turns networks into flows."""
    return "active" in answer(places, str(places.central / "northd.ctl"), "status")
