"""Attachments: a volume is reserved for a server, its host opens the disk, the guest has it."""

MAX_ATTACHMENTS = 64  # of one volume: a multi-attach volume is open on so many servers at once at most
