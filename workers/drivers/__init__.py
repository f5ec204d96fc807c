"""Drivers: contracts for a host's hypervisor, networks and storage, and their implementations."""
