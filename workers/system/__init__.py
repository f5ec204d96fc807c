"""What a host gives: programs, locks, files, paths. Knows nothing of clouds."""
