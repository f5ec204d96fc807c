"""Storage drivers: a host's image cache and the disks of its servers."""
