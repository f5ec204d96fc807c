"""What is due after a setting's time: deletes that can no longer be restored, resizes that are confirmed, and shelved
servers that leave their hosts.
"""

from apps.compute.services import server_moves, shelving, soft_deletes


def reclaim() -> int:
    return soft_deletes.reclaim()


def confirm_resizes() -> int:
    return server_moves.confirm_due()


def offload_shelved() -> int:
    return shelving.offload_due()
