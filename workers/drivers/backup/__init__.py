"""Backups: the content of volumes, kept in a store outside of the hosts' pools."""
