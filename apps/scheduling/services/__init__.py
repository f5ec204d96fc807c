"""Writers of hosts, aggregates, inventories and allocations.

They trust their callers: every front end checks policy before it calls.
"""
