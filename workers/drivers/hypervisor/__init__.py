"""Hypervisor drivers: a server's domain, from power-on to nothing left."""
