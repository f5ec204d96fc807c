"""Simulated networking: networks and ports that are files."""
