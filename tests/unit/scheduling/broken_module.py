"""A module of an operator's that cannot be imported, and not for want of it."""

raise RuntimeError("no licence")
