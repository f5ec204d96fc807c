"""Writers of runs and steps."""
