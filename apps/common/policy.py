"""One policy engine for every service: OpenStack's rule names and language (oslo.policy).

Each app lists its rules in ``policies.py`` and registers them when it starts. A rule that an operator wrote in
``<state>/policy.yaml`` replaces the default of the same name.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.common.context import RequestContext
from apps.common.exceptions import PolicyForbidden

ADMIN = "rule:context_is_admin"
PROJECT_MEMBER = "rule:project_member_or_admin"
PROJECT_READER = "rule:project_reader_or_admin"
ANYBODY = ""

_BASE_RULES = {
    "context_is_admin": "role:admin",
    "admin_required": "rule:context_is_admin",
    "project_member": "role:member and project_id:%(project_id)s",
    "project_reader": "role:reader and project_id:%(project_id)s",
    "project_member_or_admin": "rule:project_member or rule:context_is_admin",
    "project_reader_or_admin": "rule:project_reader or rule:context_is_admin",
    "owner": "user_id:%(user_id)s",
}
_registered: dict[str, str] = dict(_BASE_RULES)


def register(rules: Mapping[str, str]) -> None:
    """Add the default rules of an app: name -> check string."""
    for name, check in rules.items():
        if _registered.get(name, check) != check:
            raise ValueError(f"policy rule {name} is registered twice")
        _registered[name] = check
    _enforcer.cache_clear()


@lru_cache(maxsize=1)
def _enforcer() -> Any:
    from oslo_config import cfg
    from oslo_policy import policy

    conf = cfg.ConfigOpts()
    conf([], default_config_files=[], default_config_dirs=[])
    path = settings.STATE_DIR / "policy.yaml"
    enforcer = policy.Enforcer(conf, policy_file=str(path) if path.exists() else None, use_conf=path.exists())
    enforcer.register_defaults([policy.RuleDefault(name, check) for name, check in _registered.items()])
    enforcer.load_rules()
    return enforcer


def allowed(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> bool:
    """Return whether ``rule`` lets the caller act on ``target`` (default: on its own project)."""
    if rule not in _registered:
        raise KeyError(f"policy rule {rule} is not registered")
    subject = target if target is not None else {"project_id": context.project_id, "user_id": context.user_id}
    # oslo.policy compares texts: None on both sides would match, and a caller without a project would own what has none.
    known = {key: value for key, value in subject.items() if value is not None}
    who = {key: value for key, value in context.credentials().items() if value is not None}
    return bool(_enforcer().enforce(rule, known, who))


def check(context: RequestContext, rule: str, target: Mapping[str, Any] | None = None) -> None:
    """Raise ``PolicyForbidden`` (403) unless ``rule`` lets the caller act on ``target``."""
    if not allowed(context, rule, target):
        raise PolicyForbidden(rule=rule)


def rules() -> dict[str, str]:
    """Return every registered rule with its default check string."""
    return dict(_registered)
