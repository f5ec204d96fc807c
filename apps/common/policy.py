"""One policy engine for every service: OpenStack's rule names and language (oslo.policy).

Each app lists its rules in ``policies.py`` and registers them when it starts. A rule that an operator wrote in
``<state>/policy.yaml`` replaces the default of the same name.
"""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import PolicyForbidden

ADMIN = "rule:context_is_admin"
PROJECT_MEMBER = "rule:project_member_or_admin"
PROJECT_READER = "rule:project_reader_or_admin"
ANYBODY = ""

BUILDING_BLOCKS = {
    "context_is_admin": "role:admin",
    "admin_required": "rule:context_is_admin",
    "project_member": "role:member and project_id:%(project_id)s",
    "project_reader": "role:reader and project_id:%(project_id)s",
    "project_member_or_admin": "rule:project_member or rule:context_is_admin",
    "project_reader_or_admin": "rule:project_reader or rule:context_is_admin",
    "owner": "user_id:%(user_id)s",
}
_registered: dict[str, str] = dict(BUILDING_BLOCKS)


def register(rules: Mapping[str, str]) -> None:
    """Add the default rules of an app: name -> check string."""
    for name, check in rules.items():
        if _registered.get(name, check) != check:
            raise ValueError(f"policy rule {name} is registered twice")
        _registered[name] = check
    _enforcer.cache_clear()


@lru_cache(maxsize=1)
def _enforcer(overrides: str, _changed: int) -> Any:
    """Return the engine with the defaults and what the operator's file puts in their place.

    oslo.policy would look for files at every check; a stat of one file is all that is needed.
    """
    from oslo_config import cfg
    from oslo_policy import policy

    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    merged = policy.Rules.from_dict(_registered)
    if _changed:
        merged.update(policy.Rules.load(Path(overrides).read_text()))
    return policy.Enforcer(conf, rules=merged, use_conf=False)


def _engine() -> Any:
    path = f"{settings.STATE_DIR}/policy.yaml"  # a text: this runs at every check
    try:
        changed = os.stat(path).st_mtime_ns
    except FileNotFoundError:
        changed = 0
    return _enforcer(path, changed)


def warm() -> None:
    """Load the engine and its rules now and not with the first request."""
    _engine()


def allowed(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> bool:
    """Return whether ``rule`` lets the caller act on ``target`` (default: on its own project)."""
    if rule not in _registered:
        raise KeyError(f"policy rule {rule} is not registered")
    subject = target if target is not None else {"project_id": context.project_id, "user_id": context.user_id}
    # oslo.policy compares texts: None would equal None, and a caller without a project would own what has none.
    known = {key: value for key, value in subject.items() if value is not None}
    who = {key: value for key, value in context.credentials().items() if value is not None}
    engine = _engine()
    # Enforcer.enforce() would copy both sides and look for changed files at every check.
    return bool(engine.rules[rule](known, who, engine, rule))


def check(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> None:
    """Raise ``PolicyForbidden`` (403) unless ``rule`` lets the caller act on ``target``."""
    if not allowed(context, rule, target):
        raise PolicyForbidden(rule=rule)


def rules() -> dict[str, str]:
    """Return every registered rule with its default check string."""
    return dict(_registered)
