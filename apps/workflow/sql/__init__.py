"""Hand-written SQL of workflow's tables, by noun."""
