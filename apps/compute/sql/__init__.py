"""Hand-written SQL of compute's tables, by noun."""
