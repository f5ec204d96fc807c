"""Requests and documents by microversion."""
