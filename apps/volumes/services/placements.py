"""Which back end a new volume goes to: its own, or the next one that its type allows."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from apps.scheduling.exceptions import NoValidHost
from apps.volumes.models import Volume
from apps.volumes.selectors import backends
from apps.volumes.selectors import pools as pool_selectors
from apps.volumes.services import volume_requests, volume_states

T = TypeVar("T")


def allowed(volume: Volume) -> list[str]:
    """Return the back ends to try, the volume's own first; none where its type asks for what no back end is.

    A copy, and a volume that has a place, is made there alone.
    """
    kind, own = volume.volume_type, volume.backend
    names = backends.of_type(kind) if kind is not None else [own, *backends.of_type(None)]
    if volume_requests.is_copied_in_place(volume) or volume.host:
        names = [own] if own in names else []
    return sorted(dict.fromkeys(names), key=lambda name: name != own)


def on_first(volume: Volume, choose: Callable[[Volume], T]) -> T:
    """Return what ``choose`` returns of the first back end that it does not refuse; the volume is on that one then.

    Its row says so from the same moment as room is claimed there: whatever is cut short before begins with the first
    choice again. Raises NoValidHost with the reasons of all back ends; then the volume is on its former one.
    """
    refused: list[NoValidHost] = []
    own, form = volume.backend, volume.format
    for backend in allowed(volume):
        try:
            with transaction.atomic():
                _note(volume, backend)
                return choose(volume)
        except NoValidHost as error:
            volume.backend, volume.format = own, form
            refused.append(error)
    raise _joined(refused)


def _note(volume: Volume, backend: str) -> None:
    if backend != volume.backend:
        volume.backend = backend
        volume.format = pool_selectors.format_of(backend=backend, multiattach=volume.multiattach)
        volume_states.set_backend(volume_id=volume.id, backend=backend, form=volume.format)


def _joined(refused: list[NoValidHost]) -> NoValidHost:
    if len(refused) == 1:
        return refused[0]
    error = NoValidHost(reason="; ".join(dict.fromkeys(str(item.values.get("reason", item)) for item in refused)))
    explanation = dict(refused[0].values.get("explanation", {})) if refused else {}
    explanation["misses"] = [miss for item in refused for miss in item.values.get("explanation", {}).get("misses", ())]
    error.values["explanation"] = explanation
    return error
