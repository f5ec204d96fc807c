"""Volumes: a pool of disks that outlive servers, and their exports to hypervisors."""
