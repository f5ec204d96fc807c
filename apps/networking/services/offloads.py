"""Sets the cloud's mode of offloads, which the hosts read when they start (docs/operators.md)."""

from apps.networking.exceptions import OffloadsNeedOneHost, UnknownOffloads
from apps.networking.models import CloudProperty
from apps.networking.states import MULTI_HOST, NETDEV_OFFLOADS, OFFLOADS, SINGLE_HOST
from apps.scheduling.selectors import hosts

__all__ = ["MULTI_HOST", "OFFLOADS", "SINGLE_HOST", "change", "record"]


def record(*, mode: str) -> None:
    """Write the mode that the first machine's settings have. Raises UnknownOffloads."""
    if mode not in OFFLOADS:
        raise UnknownOffloads(mode=mode, modes=" or ".join(OFFLOADS))
    CloudProperty.objects.update_or_create(name=NETDEV_OFFLOADS, defaults={"value": mode})


def change(*, mode: str) -> None:
    """Change the mode. Raises UnknownOffloads; OffloadsNeedOneHost for ``single-host`` in a cloud of several hosts."""
    if mode == SINGLE_HOST and (count := len(hosts.names())) > 1:
        raise OffloadsNeedOneHost(count=count)
    record(mode=mode)
