"""A number that an aggregate may put in the place of a setting."""

from apps.scheduling.specs import HostState


def limit_of(host: HostState, key: str, default: int) -> int:
    """Return the smallest whole number that the host's aggregates say under ``key``, else ``default``, as in Nova."""
    words = host.aggregate_values(key)
    if not words:
        return default
    numbers = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 10]
    return min(numbers, default=default)
