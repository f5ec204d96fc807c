"""Hand-written SQL of quotas's tables, by noun."""
