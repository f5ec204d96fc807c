"""Which methods a user has to prove itself with: Keystone's options ``multi_factor_auth_*`` (UserMFARulesValidator)."""

from collections.abc import Collection, Mapping
from typing import Any

SUPPORTED = frozenset(("password", "token", "application_credential", "totp"))


def suffice(options: Mapping[str, Any], methods: Collection[str]) -> bool:
    """Return whether ``methods`` hold all of one of the user's rules.

    As in Keystone: rules count unless ``multi_factor_auth_enabled`` is false, what is no rule is left out, without a
    rule everything suffices, and methods that the cloud does not know are not asked for.
    """
    rules = _rules(options.get("multi_factor_auth_rules"))
    if not rules or options.get("multi_factor_auth_enabled", True) is False:
        return True
    return any((rule & SUPPORTED) <= set(methods) for rule in rules)


def _rules(stored: object) -> list[frozenset[str]]:
    rows = stored if isinstance(stored, list) else []
    return [frozenset(row) for row in rows if isinstance(row, list) and row and all(isinstance(m, str) for m in row)]
