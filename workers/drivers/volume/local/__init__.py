"""Volumes as files on the host's own file system, exported by qemu-storage-daemon."""
