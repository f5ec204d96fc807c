"""Calls of Nova's that this cloud does not have: they say so, rather than that there is no such place."""

from typing import Any

from rest_framework.request import Request

from apps.common.api import not_offered
from apps.common.api.views import Response
from apps.common.exceptions import NotFound
from apps.common.microversions import Range
from apps.compute.api.views.base import ComputeView
from apps.compute.exceptions import ActionNotOffered, RemovedFromNova

# Nova's actions on servers that this cloud does not have, by the feature.
ACTIONS: dict[str, str] = {
    "addFixedIp": "adding fixed IPs to servers",
    "addFloatingIp": "floating IPs",
    "changePassword": "changing passwords in guests",
    "confirmResize": "resize of servers",
    "createBackup": "backups of servers",
    "createImage": "snapshots of servers",
    "evacuate": "evacuation of servers",
    "injectNetworkInfo": "injection of network settings",
    "migrate": "migration of servers",
    "os-getMKSConsole": "remote consoles",
    "os-getRDPConsole": "remote consoles",
    "os-getSPICEConsole": "remote consoles",
    "os-getSerialConsole": "remote consoles",
    "os-getVNCConsole": "remote consoles",
    "os-migrateLive": "migration of servers",
    "pause": "pausing of servers",
    "rebuild": "rebuild of servers",
    "removeFixedIp": "removing fixed IPs from servers",
    "removeFloatingIp": "floating IPs",
    "rescue": "rescue of servers",
    "resize": "resize of servers",
    "restore": "restoring deleted servers",
    "resume": "suspension of servers",
    "revertResize": "resize of servers",
    "shelve": "shelving of servers",
    "shelveOffload": "shelving of servers",
    "suspend": "suspension of servers",
    "trigger_crash_dump": "crash dumps of servers",
    "unrescue": "rescue of servers",
    "unshelve": "shelving of servers",
}
REMOVED_ACTIONS = {
    "resetNetwork": "resets of servers' networks",
}


def refuse_action(name: str) -> None:
    """Raise the error that says why an action is not offered. Returns for actions that Nova does not know either."""
    if name in ACTIONS:
        raise ActionNotOffered(what=ACTIONS[name], action=name)
    if name in REMOVED_ACTIONS:
        raise RemovedFromNova(what=REMOVED_ACTIONS[name].capitalize())


class NotOfferedView(not_offered.NotOfferedView, ComputeView):
    """``versions`` is where Nova has the call; ``removed``: Nova has it no more either."""

    versions: Range | None = None
    removed = False

    def refuse(self, request: Request, **parameters: Any) -> Response:
        """Say that the call is not offered. Raises NotFound (404), Gone (410)."""
        if self.versions is not None and request.version not in self.versions:
            raise NotFound(f"API version '{request.version}' is not supported on this method.")
        if self.removed:
            raise RemovedFromNova(what=self.what[:1].upper() + self.what[1:])
        return super().refuse(request, **parameters)

    get = post = put = delete = refuse
