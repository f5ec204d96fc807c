"""Servers, flavors, key pairs and server groups for operators, and compute's parts of the pages of hosts and runs."""

from apps.compute.admin import aggregates, flavors, hosts, keypairs, migrations, quotas, runs, server_groups, servers

__all__ = ["aggregates", "flavors", "hosts", "keypairs", "migrations", "quotas", "runs", "server_groups", "servers"]
