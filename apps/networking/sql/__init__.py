"""Hand-written SQL of networking's tables, by noun."""
