"""A domain's XML: one declarative class per element. `definition` decides their values."""
