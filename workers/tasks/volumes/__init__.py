"""The steps of the pipelines of volumes and snapshots."""
