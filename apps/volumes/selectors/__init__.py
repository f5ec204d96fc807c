"""Reading volumes, snapshots, types and attachments."""
