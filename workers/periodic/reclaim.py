"""What is due after a setting's time: deletes that can no longer be restored, resizes that are confirmed."""

from apps.compute.services import server_moves, soft_deletes


def reclaim() -> int:
    return soft_deletes.reclaim()


def confirm_resizes() -> int:
    return server_moves.confirm_due()
