"""Hand-written SQL of scheduling's tables, by noun."""
