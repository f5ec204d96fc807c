"""Which methods a user has to prove itself with: Keystone's options ``multi_factor_auth_*`` (UserMFARulesValidator)."""

from collections.abc import Collection, Mapping
from typing import Any

SUPPORTED = frozenset(("password", "token", "application_credential", "totp"))


def suffice(options: Mapping[str, Any], methods: Collection[str]) -> bool:
    """Return whether ``methods`` hold all of one of the user's rules.

    As in Keystone: rules apply unless ``multi_factor_auth_enabled`` is false, invalid rules are ignored, without rules
    any method suffices, and unknown methods are not required.
    """
    rules = _rules(options.get("multi_factor_auth_rules"))
    if not rules or options.get("multi_factor_auth_enabled", True) is False:
        return True
    return any((rule & SUPPORTED) <= set(methods) for rule in rules)


def _rules(stored: object) -> list[frozenset[str]]:
    rows = stored if isinstance(stored, list) else []
    return [frozenset(row) for row in rows if isinstance(row, list) and row and all(isinstance(m, str) for m in row)]
