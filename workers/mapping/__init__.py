"""Rows to driver specs: the only room that knows both."""
