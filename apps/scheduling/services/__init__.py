"""Writers of hosts, inventories and allocations."""
