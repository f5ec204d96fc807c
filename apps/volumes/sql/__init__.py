"""Hand-written SQL of volumes' tables, by noun."""
