"""Writers of limits, usages and reservations."""
