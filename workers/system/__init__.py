"""A host's means: programs, locks, files, paths. Knows nothing of clouds."""
