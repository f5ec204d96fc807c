"""Taking a free address, and giving it back."""

from apps.common.sql.planned import Statement

TAKE = Statement(
    "networking_take",
    """
INSERT INTO networking_fixedip (port_id, subnet_id, ip_address)
SELECT %(port)s, %(subnet)s, candidate FROM unnest(%(candidates)s::inet[]) AS candidate
WHERE NOT EXISTS (
    SELECT 1 FROM networking_fixedip taken WHERE taken.subnet_id = %(subnet)s AND taken.ip_address = candidate
)
LIMIT 1
ON CONFLICT (subnet_id, ip_address) DO NOTHING
RETURNING host(ip_address)
""",
    {"port": "uuid", "subnet": "uuid", "candidates": "text[]"},
)
FREE = """
SELECT host(candidate) FROM (
    SELECT %(start)s::inet AS candidate
    UNION
    SELECT ip_address + 1 FROM networking_fixedip
    WHERE subnet_id = %(subnet)s AND ip_address >= %(start)s::inet AND ip_address < %(end)s::inet
) AS gaps
WHERE NOT EXISTS (
    SELECT 1 FROM networking_fixedip taken WHERE taken.subnet_id = %(subnet)s AND taken.ip_address = candidate
)
ORDER BY random() LIMIT %(count)s
"""
