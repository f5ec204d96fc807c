"""Subnets whose ranges overlap."""

OVERLAPPING = """
SELECT id, network_id, cidr FROM networking_subnet
 WHERE ip_version = 4 AND cidr::inet && %s::inet AND network_id IS DISTINCT FROM %s ORDER BY created_at LIMIT 100
"""
