"""The routes below a version: one list per noun."""

from apps.compute.api.views import actions, console, servers  # noqa: F401

ROUTES: list[object] = []
