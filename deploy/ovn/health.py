"""Whether OVN's daemons do their work, by their own word."""

from dataclasses import dataclass

from deploy.ovn.places import Places, answer, run


@dataclass(frozen=True)
class Health:
    """``chassis`` and ``ports`` are those of the southbound database; None where it does not answer.

    ``central``: the cloud's databases are on this machine; else its connection to them is all that is known here.
    """

    follows: bool
    translates: bool
    chassis: int | None
    ports: int | None
    central: bool = True

    @property
    def well(self) -> bool:
        return self.follows and (not self.central or (self.translates and bool(self.chassis)))

    def __str__(self) -> str:
        if not self.central:
            return f"{'connected' if self.follows else 'NOT connected'} to the southbound database"
        if self.chassis is None:
            return "the southbound database does not answer"
        troubles = [] if self.follows else ["ovn-controller is not connected to the southbound database"]
        troubles += [] if self.translates else ["ovn-northd is not active"]
        return ", ".join([f"{self.chassis} chassis, {self.ports} ports bound", *troubles])


def follows(places: Places) -> bool:
    """Say whether ovn-controller is connected to the southbound database."""
    return answer(places, "ovn-controller", "connection-status") == "connected"


def translates(places: Places) -> bool:
    """Say whether ovn-northd is active: it turns networks into flows."""
    return "active" in answer(places, str(places.central / "northd.ctl"), "status")


def is_synchronised(places: Places) -> bool:
    """Say whether the northbound database holds the cloud's rows: the network worker says so after its first write."""
    question = ("--timeout=5", "--no-leader-only", "get", "NB_Global", ".", "external_ids:celerity-synchronised")
    done = run("ovn-nbctl", f"--db={places.northbound}", *question, check=False)
    return done.returncode == 0 and "true" in done.stdout


def _count(places: Places, table: str, *condition: str) -> int | None:
    tool = ("ovn-sbctl", f"--db={places.southbound}", "--timeout=5", "--bare", "--columns=_uuid")
    done = run(*tool, "find", table, *condition, check=False)
    return len(done.stdout.split()) if done.returncode == 0 else None


def examine(places: Places) -> Health:
    """Ask every daemon that matters to this machine."""
    if not places.central.exists():
        return Health(follows(places), translates=False, chassis=None, ports=None, central=False)
    chassis = _count(places, "Chassis")
    ports = None if chassis is None else _count(places, "Port_Binding", "chassis!=[]")
    return Health(follows(places), translates(places), chassis, ports)
