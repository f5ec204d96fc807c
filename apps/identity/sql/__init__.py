"""Hand-written SQL of identity's tables, by noun."""
