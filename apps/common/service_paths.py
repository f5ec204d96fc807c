"""Which service a URL's path belongs to: its first segment."""

SERVICES = ("identity", "compute", "image", "network", "volume")


def service_of(path: str) -> str:
    """Return the service of a path, or "" for pages."""
    first = path.lstrip("/").split("/", 1)[0]
    return first if first in SERVICES else ""
