"""Network drivers: a host's side of networks and ports."""
