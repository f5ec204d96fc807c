"""An operator's module that exists but raises when it is imported."""

raise RuntimeError("no licence")
