"""A domain's XML: one declarative class per element. What values they take is decided in `definition`."""
