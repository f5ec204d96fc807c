"""Writers of hosts, aggregates, inventories and allocations."""
