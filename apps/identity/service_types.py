"""Other names that services go by."""

_ALIASES = {"volumev3": "volume", "volumev2": "volume", "block-storage": "volume", "block-store": "volume"}


def canonical(kind: str) -> str:
    """Return the name under which a service's paths begin here."""
    return _ALIASES.get(kind, kind)
