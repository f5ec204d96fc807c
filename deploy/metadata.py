"""What this machine's metadata process does, by its own word."""

import json
import socket
from dataclasses import dataclass

from deploy.environment import Environment


@dataclass(frozen=True)
class Metadata:
    """``requests`` are those of guests by status; ``fails`` says that the API did not answer the last question."""

    networks: int
    ports: int
    requests: dict[str, int]
    fails: bool

    def __str__(self) -> str:
        return (
            f"{self.networks} networks, {self.ports} ports; {sum(self.requests.values())} requests, "
            f"{self.requests.get('503', 0)} of them while the API was away"
        )


def ask(environment: Environment) -> Metadata | None:
    """Return the process's numbers; None when it does not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(2)
            asking.connect(str(environment.run / "metadata.sock"))
            content = b""
            while chunk := asking.recv(65536):
                content += chunk
        numbers = json.loads(content)
        return Metadata(numbers["networks"], numbers["ports"], numbers["requests"], numbers["fails"])
    except (OSError, ValueError, KeyError):
        return None
